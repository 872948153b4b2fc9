SELECT m.id, m.seq, m.author, m.body, coalesce(m.files, '[]') AS files, m.turn_id, m.client_id, m.at, m.agent_id
FROM messages m
JOIN turns t ON t.tenant_id = m.tenant_id AND t.id = m.turn_id
WHERE m.tenant_id = $1 AND (t.id = $2 OR t.task_id = $2) AND coalesce(t.task_id, t.id) = $2
    AND m.conversation_id = t.conversation_id
ORDER BY m.seq DESC
LIMIT $3
