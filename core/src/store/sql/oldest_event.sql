SELECT min(seq) FROM events WHERE tenant_id = $1 AND conversation_id = $2
