INSERT INTO feedback (tenant_id, turn_id, user_id, value, right_agents, comment, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant_id, turn_id, user_id) DO UPDATE
SET value = excluded.value, right_agents = excluded.right_agents, comment = excluded.comment, at = excluded.at
