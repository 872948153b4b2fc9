SELECT id, seq, author, body, coalesce(files, '[]') AS files, turn_id, client_id, at, agent_id FROM messages
WHERE tenant_id = $1 AND conversation_id = $2 AND seq = $3
