DELETE FROM counts WHERE tenant_id = $1 AND (step, at, what, label) IN (
    (SELECT step, at, what, label FROM counts
     WHERE tenant_id = $1 AND step = 'minute' AND at < $2 ORDER BY at LIMIT $4)
    UNION ALL
    (SELECT step, at, what, label FROM counts
     WHERE tenant_id = $1 AND step = 'hour' AND at < $3 ORDER BY at LIMIT $4)
)
