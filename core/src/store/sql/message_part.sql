SELECT parts -> $4 FROM messages WHERE tenant_id = $1 AND conversation_id = $2 AND seq = $3
