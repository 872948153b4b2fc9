INSERT INTO events (tenant_id, conversation_id, seq, turn_id, body, at, bytes)
SELECT $1, $2, e.seq, $3, e.body, $4, octet_length(e.body::text)
FROM unnest($5::bigint[], $6::jsonb[]) AS e (seq, body)
