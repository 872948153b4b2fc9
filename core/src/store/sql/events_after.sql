SELECT seq, turn_id, body, at, found FROM (
    SELECT seq, turn_id, body, at, count(*) OVER () AS found, row_number() OVER page AS number,
           sum(coalesce(bytes, octet_length(body::text))) OVER page AS bytes
    FROM (
        SELECT seq, turn_id, body, at, bytes FROM events
        WHERE tenant_id = $1 AND conversation_id = $2 AND seq > $3
        ORDER BY seq
        LIMIT $4
    ) AS e
    WINDOW page AS (ORDER BY seq)
) AS pages
WHERE number = 1 OR bytes <= $5
ORDER BY seq
