-- A turn that was answered while agents worked on, once none of them does. It has failed only if nobody has answered it.
UPDATE turns SET state_at = now(),
    state = CASE WHEN $3::text = 'failed' AND answers.there THEN 'completed' ELSE $3 END,
    error = CASE WHEN $3 = 'failed' AND NOT answers.there THEN $4::text END
FROM (
    SELECT count(*) > 0 AS there FROM calls WHERE tenant_id = $1 AND turn_id = $2 AND state = 'completed'
) AS answers
WHERE tenant_id = $1 AND id = $2 AND state = 'working'
    AND ($3 = 'input_required' OR NOT EXISTS (
        SELECT FROM open_calls o WHERE o.tenant_id = $1 AND o.turn_id = $2 AND o.state = 'working'))
RETURNING state, error
