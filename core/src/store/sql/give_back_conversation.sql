UPDATE stored SET bytes = greatest(0, stored.bytes - gone.bytes)
FROM (
    SELECT t.user_id, sum(held.bytes)::bigint AS bytes FROM (
        SELECT turn_id, coalesce(bytes, octet_length(body)) AS bytes FROM messages
        WHERE tenant_id = $1 AND conversation_id = $2
        UNION ALL
        SELECT turn_id, bytes FROM files WHERE tenant_id = $1 AND conversation_id = $2
    ) AS held
    JOIN turns t ON t.tenant_id = $1 AND t.id = held.turn_id
    GROUP BY t.user_id
) AS gone
WHERE stored.tenant_id = $1 AND stored.user_id = gone.user_id
