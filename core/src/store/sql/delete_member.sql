DELETE FROM members WHERE tenant_id = $1 AND conversation_id = $2 AND user_id = $3
