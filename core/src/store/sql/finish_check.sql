UPDATE sessions
SET name = $3, roles = $4, groups = $5, tier = $6, refresh_token = coalesce($7, refresh_token),
    checked_at = clock_timestamp(), checking_until = NULL
WHERE tenant_id = $1 AND id = $2 AND ended_at IS NULL
