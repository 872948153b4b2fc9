INSERT INTO stored (tenant_id, user_id, bytes) VALUES ($1, $2, $3)
ON CONFLICT (tenant_id, user_id) DO UPDATE SET bytes = stored.bytes + excluded.bytes
