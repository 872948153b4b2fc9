SELECT id, user_id, name, roles, groups, tier, agents, created_at, expires_at, last_used_at
FROM api_keys
WHERE tenant_id = $1 AND secret_hash = $2 AND revoked_at IS NULL AND coalesce(expires_at > now(), true)
