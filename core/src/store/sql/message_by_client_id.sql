SELECT id, seq, turn_id, request_hash FROM messages
WHERE tenant_id = $1 AND conversation_id = $2 AND author = $3 AND client_id = $4
