SELECT coalesce(sum(bytes), 0)::bigint FROM stored WHERE tenant_id = $1
