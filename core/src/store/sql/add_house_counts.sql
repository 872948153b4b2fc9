INSERT INTO house_counts (step, at, what, label, n)
SELECT s.step, date_trunc(s.step, c.minute), c.what, c.label,
       CASE WHEN c.what LIKE 'most\_%' THEN max(c.n) ELSE sum(c.n)::bigint END
FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::bigint[]) AS c (minute, what, label, n)
CROSS JOIN (VALUES ('minute'), ('hour')) AS s (step)
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
ON CONFLICT (step, at, what, label) DO UPDATE
SET n = CASE WHEN excluded.what LIKE 'most\_%' THEN greatest(house_counts.n, excluded.n)
             ELSE house_counts.n + excluded.n END
