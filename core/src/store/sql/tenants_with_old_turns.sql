SELECT id FROM tenants CROSS JOIN LATERAL (
    SELECT FROM turns WHERE tenant_id = tenants.id AND created_at < $1 AND state <> 'running'
    ORDER BY created_at LIMIT 1
) AS old
WHERE id <> ALL ($2)
