INSERT INTO suggestions (tenant_id, id, agent_id, text, text_hash, source, positive, turn_id, at, language)
SELECT $1::text, $2::uuid, $3::text, $4::text, $5::bytea, $6::text, $7::boolean, $8::uuid, $9::timestamptz, $11::text
WHERE (SELECT count(*) FROM suggestions WHERE tenant_id = $1 AND state = 'open') < $10::bigint
ON CONFLICT (tenant_id, agent_id, text_hash, positive) DO NOTHING
