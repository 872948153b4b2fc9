INSERT INTO threads (tenant_id, user_id, head, conversation_id, turn_id, seq, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant_id, user_id, head, conversation_id)
DO UPDATE SET turn_id = excluded.turn_id, seq = excluded.seq, at = excluded.at
