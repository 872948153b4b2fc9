SELECT t.*, greatest(t.state_at, t.finished_at, t.created_at) AS since, x.name AS context,
       CASE WHEN t.state = 'running' AND t.plan IS NULL THEN 'submitted'
            WHEN t.state = 'running' THEN 'working'
            WHEN t.state = 'completed' AND t.plan ->> 'mode' = 'none' THEN 'rejected'
            WHEN t.state = 'completed' AND t.plan ->> 'mode' = 'clarify' THEN 'input_required'
            WHEN t.state = 'input_required' AND EXISTS (
                SELECT FROM calls c
                WHERE c.tenant_id = t.tenant_id AND c.turn_id = t.id AND c.state = 'input_required'
                    AND starts_with(c.reason, $4)) THEN 'auth_required'
            ELSE t.state END AS task_state
FROM turns t
JOIN members m ON m.tenant_id = t.tenant_id AND m.conversation_id = t.conversation_id AND m.user_id = $3
LEFT JOIN contexts x ON x.tenant_id = t.tenant_id AND x.conversation_id = t.conversation_id AND x.user_id = $3
WHERE t.tenant_id = $1 AND (t.id = $2 OR t.task_id = $2) AND coalesce(t.task_id, t.id) = $2
    AND coalesce(t.task_user, t.user_id) = $3 AND t.continued_by IS NULL
