INSERT INTO stored (tenant_id, user_id, bytes) VALUES ($1, $2, $3)
ON CONFLICT (tenant_id, user_id) DO UPDATE SET bytes = stored.bytes + excluded.bytes
RETURNING bytes, $3 + (SELECT coalesce(sum(bytes), 0)::bigint FROM stored WHERE tenant_id = $1)
