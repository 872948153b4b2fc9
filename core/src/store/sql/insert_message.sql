WITH kept AS (
    INSERT INTO messages (tenant_id, conversation_id, seq, id, author, body, parts, turn_id, client_id, request_hash, at,
                          files, bytes, agent_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, octet_length($6) + octet_length($7::jsonb::text), $15)
    RETURNING bytes
)
INSERT INTO stored (tenant_id, user_id, bytes) SELECT $1, $13, bytes FROM kept
ON CONFLICT (tenant_id, user_id) DO UPDATE SET bytes = stored.bytes + excluded.bytes
RETURNING bytes, (SELECT bytes FROM kept)
    + CASE WHEN $14::boolean THEN (SELECT coalesce(sum(bytes), 0)::bigint FROM stored WHERE tenant_id = $1) ELSE 0 END
