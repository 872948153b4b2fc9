INSERT INTO counts (tenant_id, step, at, what, label, n)
SELECT $1::text, s.step, date_trunc(s.step, c.minute), c.what, c.label,
       CASE WHEN c.what LIKE 'most\_%' THEN max(c.n) ELSE sum(c.n)::bigint END
FROM unnest($2::timestamptz[], $3::text[], $4::text[], $5::bigint[]) AS c (minute, what, label, n)
CROSS JOIN (VALUES ('minute'), ('hour')) AS s (step)
GROUP BY 2, 3, 4, 5
ORDER BY 2, 3, 4, 5
ON CONFLICT (tenant_id, step, at, what, label) DO UPDATE
SET n = CASE WHEN excluded.what LIKE 'most\_%' THEN greatest(counts.n, excluded.n)
             ELSE counts.n + excluded.n END
