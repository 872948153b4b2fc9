INSERT INTO api_keys (tenant_id, id, secret_hash, user_id, name, roles, groups, tier, agents, created_at, expires_at)
SELECT $1::text, $2::uuid, $3::bytea, $4::text, $5::text, $6::text[], $7::text[], $8::text, $9::text[], $10::timestamptz,
    $11::timestamptz
WHERE (SELECT count(*) FROM api_keys WHERE tenant_id = $1 AND user_id = $4 AND revoked_at IS NULL) < $12::bigint
