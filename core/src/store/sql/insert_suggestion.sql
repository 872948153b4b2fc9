INSERT INTO suggestions
    (tenant_id, id, agent_id, text, text_hash, source, positive, turn_id, at, language, user_id)
SELECT $1::text, $2::uuid, $3::text, $4::text, $5::bytea, $6::text, $7::boolean, $8::uuid, $9::timestamptz, $11::text,
    $12::text
WHERE (SELECT count(*) FROM suggestions WHERE tenant_id = $1 AND state = 'open' AND user_id = $12) < $13::bigint
  AND (SELECT coalesce(sum(least(own, $13)), 0)
       FROM (SELECT count(*) AS own FROM suggestions WHERE tenant_id = $1 AND state = 'open' GROUP BY user_id) AS users)
      < $10::bigint
ON CONFLICT (tenant_id, agent_id, text_hash, positive) DO NOTHING
