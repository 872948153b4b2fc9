SELECT id FROM tenants CROSS JOIN LATERAL (
    SELECT FROM events WHERE tenant_id = tenants.id AND at < $1 ORDER BY at LIMIT 1
) AS old
UNION
SELECT id FROM tenants CROSS JOIN LATERAL (
    SELECT FROM idempotency WHERE tenant_id = tenants.id AND at < $2 ORDER BY at LIMIT 1
) AS old
UNION
SELECT id FROM tenants CROSS JOIN LATERAL (
    SELECT FROM pushes WHERE tenant_id = tenants.id AND ended_at < $2 ORDER BY ended_at LIMIT 1
) AS old
