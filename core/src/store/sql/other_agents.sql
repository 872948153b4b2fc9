SELECT count(*), coalesce(sum(coalesce(card_bytes, octet_length(card::text))), 0)::bigint
FROM agents WHERE tenant_id = $1 AND id <> $2
