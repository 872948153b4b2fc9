SELECT id, user_id, name, provider, subject, roles, groups, tier, client, created_at, seen_at, checked_at, expires_at,
    refresh_token IS NOT NULL AS refreshable
FROM sessions
WHERE tenant_id = $1 AND secret_hash = $2 AND ended_at IS NULL AND expires_at > now()
