DELETE FROM events WHERE tenant_id = $1 AND conversation_id = ANY($3) AND turn_id = ANY($2)
