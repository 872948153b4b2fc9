INSERT INTO files (tenant_id, conversation_id, id, turn_id, call_id, number, agent_id, name, media_type, bytes, content, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, octet_length($10::bytea), $10, $11)
