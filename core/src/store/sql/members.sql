SELECT user_id, role FROM members WHERE tenant_id = $1 AND conversation_id = $2 ORDER BY added_at, user_id
