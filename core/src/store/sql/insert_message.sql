INSERT INTO messages (tenant_id, conversation_id, seq, id, author, body, parts, turn_id, client_id, request_hash, at, files,
                      bytes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, octet_length($6) + octet_length($7::jsonb::text))
RETURNING bytes
