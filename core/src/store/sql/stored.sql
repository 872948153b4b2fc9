SELECT coalesce(sum(bytes) FILTER (WHERE user_id = $2), 0)::bigint, coalesce(sum(bytes), 0)::bigint FROM stored
WHERE tenant_id = $1
