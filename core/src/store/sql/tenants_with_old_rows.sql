SELECT DISTINCT tenant_id FROM (
    (SELECT tenant_id FROM events WHERE at < $1 ORDER BY at LIMIT $3)
    UNION ALL
    (SELECT tenant_id FROM idempotency WHERE at < $2 ORDER BY at LIMIT $3)
) AS due
