SELECT id, user_id, name, roles, groups, tier, agents, created_at, expires_at, last_used_at
FROM api_keys
WHERE tenant_id = $1 AND ($2::text IS NULL OR user_id = $2) AND revoked_at IS NULL
ORDER BY created_at DESC
LIMIT $3
