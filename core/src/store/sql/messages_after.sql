SELECT id, seq, author, body, files, turn_id, client_id, at, found, agent_id FROM (
    SELECT id, seq, author, body, files, turn_id, client_id, at, agent_id, count(*) OVER () AS found, row_number() OVER page AS number,
           sum(octet_length(body) + octet_length(files::text)) OVER page AS bytes
    FROM (
        SELECT id, seq, author, body, turn_id, client_id, at, agent_id, coalesce(files, (
            SELECT jsonb_agg(jsonb_build_object(
                'name', part -> 'name', 'media_type', part -> 'media_type',
                'bytes', length(rtrim(part ->> 'data', '=')) * 3 / 4) ORDER BY place)
            FROM jsonb_array_elements(parts) WITH ORDINALITY AS p (part, place)), '[]') AS files
        FROM messages
        WHERE tenant_id = $1 AND conversation_id = $2 AND seq > $3 AND seq < $4
        ORDER BY seq
        LIMIT $5
    ) AS m
    WINDOW page AS (ORDER BY seq)
) AS pages
WHERE number = 1 OR bytes <= $6
ORDER BY seq
