WITH looked AS (
    SELECT seq, at, actor, action, subject, detail, hash FROM audit
    WHERE tenant_id = $1 AND seq < $2
    ORDER BY seq DESC LIMIT $3
), found AS (
    SELECT * FROM looked
    WHERE ($4::text IS NULL OR actor = $4) AND ($5::text IS NULL OR starts_with(action, $5))
        AND ($6::text IS NULL OR subject = $6)
        AND ($7::timestamptz IS NULL OR at >= $7) AND ($8::timestamptz IS NULL OR at < $8)
    ORDER BY seq DESC LIMIT $9
)
SELECT last.seq AS last_seq, last.at AS last_at, found.*
FROM (SELECT seq, at FROM looked ORDER BY seq LIMIT 1) AS last LEFT JOIN found ON true
ORDER BY found.seq DESC
