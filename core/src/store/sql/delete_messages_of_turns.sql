DELETE FROM messages WHERE tenant_id = $1 AND turn_id = ANY($2)
