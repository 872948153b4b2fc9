SELECT id FROM tenants CROSS JOIN LATERAL (
    SELECT FROM counts WHERE tenant_id = tenants.id AND step = 'minute' AND at < $1 ORDER BY at LIMIT 1
) AS old
UNION
SELECT id FROM tenants CROSS JOIN LATERAL (
    SELECT FROM counts WHERE tenant_id = tenants.id AND step = 'hour' AND at < $2 ORDER BY at LIMIT 1
) AS old
