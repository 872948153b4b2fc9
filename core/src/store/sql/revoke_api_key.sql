UPDATE api_keys SET revoked_at = now()
WHERE tenant_id = $1 AND id = $2 AND ($3::text IS NULL OR user_id = $3) AND revoked_at IS NULL
