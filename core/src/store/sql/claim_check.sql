UPDATE sessions SET checking_until = clock_timestamp() + make_interval(secs => $3)
WHERE tenant_id = $1 AND id = $2 AND ended_at IS NULL AND refresh_token IS NOT NULL
    AND coalesce(checking_until < clock_timestamp(), true)
    AND checked_at < clock_timestamp() - make_interval(secs => $4)
RETURNING refresh_token
