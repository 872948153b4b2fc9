SELECT u.id, u.roles, u.groups, u.tier, u.created_at, u.seen_at, asked.at AS last_turn,
    coalesce(s.bytes, 0) AS stored_bytes
FROM users u
LEFT JOIN stored s ON s.tenant_id = $1 AND s.user_id = u.id
LEFT JOIN LATERAL (
    SELECT coalesce(last_at, hour) AS at FROM usage WHERE tenant_id = $1 AND user_id = u.id ORDER BY hour DESC LIMIT 1
) AS asked ON true
WHERE u.tenant_id = $1 AND ($2::text IS NULL OR u.id > $2) AND ($3::text IS NULL OR starts_with(u.id, $3))
ORDER BY u.id
LIMIT $4
