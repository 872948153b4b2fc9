UPDATE open_calls SET lease_owner = $2, due_at = now() + $3 * interval '1 millisecond'
WHERE tenant_id = $1 AND call_id IN (
    SELECT call_id FROM open_calls
    WHERE tenant_id = $1 AND due_at <= now()
    ORDER BY due_at
    LIMIT $4
    FOR UPDATE SKIP LOCKED
)
RETURNING call_id, turn_id, conversation_id, agent_id, task, state, failures,
    extract(epoch FROM now() - since)::float8 AS open_for, coalesce(until_at <= now(), false) AS is_late
