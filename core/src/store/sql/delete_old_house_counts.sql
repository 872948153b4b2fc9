DELETE FROM house_counts WHERE (step, at, what, label) IN (
    (SELECT step, at, what, label FROM house_counts WHERE step = 'minute' AND at < $1 ORDER BY at LIMIT $3)
    UNION ALL
    (SELECT step, at, what, label FROM house_counts WHERE step = 'hour' AND at < $2 ORDER BY at LIMIT $3)
)
RETURNING 1
