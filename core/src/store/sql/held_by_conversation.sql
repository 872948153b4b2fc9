SELECT coalesce(sum(held.bytes), 0)::bigint FROM (
    SELECT coalesce(bytes, octet_length(body)) AS bytes FROM messages WHERE tenant_id = $1 AND conversation_id = $2
    UNION ALL
    SELECT bytes FROM files WHERE tenant_id = $1 AND conversation_id = $2
) AS held
