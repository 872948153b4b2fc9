UPDATE stored SET bytes = greatest(0, stored.bytes - gone.bytes)
FROM (
    SELECT t.user_id, sum(coalesce(m.bytes, octet_length(m.body)))::bigint AS bytes FROM messages m
    JOIN turns t ON t.tenant_id = m.tenant_id AND t.id = m.turn_id
    WHERE m.tenant_id = $1 AND m.conversation_id = $2
    GROUP BY t.user_id
) AS gone
WHERE stored.tenant_id = $1 AND stored.user_id = gone.user_id
