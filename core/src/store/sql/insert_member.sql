INSERT INTO members (tenant_id, conversation_id, user_id, role) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
