INSERT INTO users (tenant_id, id, roles, groups, tier, seen_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, id) DO UPDATE
SET roles = coalesce(excluded.roles, users.roles), groups = coalesce(excluded.groups, users.groups),
    tier = coalesce(excluded.tier, users.tier), seen_at = greatest(users.seen_at, excluded.seen_at)
