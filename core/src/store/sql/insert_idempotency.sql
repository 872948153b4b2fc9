INSERT INTO idempotency (tenant_id, user_id, key, request_hash, subject) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
