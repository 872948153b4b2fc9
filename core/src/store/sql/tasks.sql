WITH own AS (
    SELECT t.id, greatest(t.state_at, t.finished_at, t.created_at) AS since,
           CASE WHEN t.state = 'running' AND t.plan IS NULL THEN 'submitted'
                WHEN t.state = 'running' THEN 'working'
                WHEN t.state = 'completed' AND t.plan ->> 'mode' = 'none' THEN 'rejected'
                WHEN t.state = 'completed' AND t.plan ->> 'mode' = 'clarify' THEN 'input_required'
                WHEN t.state = 'input_required' AND EXISTS (
                    SELECT FROM calls c
                    WHERE c.tenant_id = t.tenant_id AND c.turn_id = t.id AND c.state = 'input_required'
                        AND starts_with(c.reason, $3)) THEN 'auth_required'
                ELSE t.state END AS task_state
    FROM turns t
    JOIN members m ON m.tenant_id = t.tenant_id AND m.conversation_id = t.conversation_id AND m.user_id = $2
    WHERE t.tenant_id = $1 AND (t.user_id = $2 AND t.task_user IS NULL OR t.task_user = $2) AND t.continued_by IS NULL
        AND t.plan ->> 'mode' IS DISTINCT FROM 'quiet'
        AND ($4::uuid IS NULL OR t.conversation_id = $4)
        AND ($5::timestamptz IS NULL OR greatest(t.state_at, t.finished_at, t.created_at) >= $5)
    ORDER BY since DESC, t.id DESC
    LIMIT $10
), wanted AS (
    SELECT * FROM own WHERE $6::text IS NULL OR task_state = $6
)
SELECT t.*, wanted.since, wanted.task_state, x.name AS context, (SELECT count(*) FROM wanted) AS total
FROM wanted
JOIN turns t ON t.tenant_id = $1 AND t.id = wanted.id
LEFT JOIN contexts x ON x.tenant_id = t.tenant_id AND x.conversation_id = t.conversation_id AND x.user_id = $2
WHERE $7::timestamptz IS NULL OR (wanted.since, wanted.id) < ($7, $8::uuid)
ORDER BY wanted.since DESC, wanted.id DESC
LIMIT $9
