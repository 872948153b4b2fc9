SELECT u.id, u.tier, coalesce(s.bytes, 0) AS stored_bytes, coalesce(spent.turns, 0) AS turns,
    coalesce(spent.calls, 0) AS calls, coalesce(spent.input, 0) AS input, coalesce(spent.output, 0) AS output
FROM users u
LEFT JOIN stored s ON s.tenant_id = $1 AND s.user_id = u.id
LEFT JOIN (
    SELECT user_id, sum(turns)::bigint AS turns, sum(calls)::bigint AS calls,
        sum(llm_input_tokens)::bigint AS input, sum(llm_output_tokens)::bigint AS output
    FROM usage WHERE tenant_id = $1 AND hour >= $2
    GROUP BY user_id
) AS spent ON spent.user_id = u.id
WHERE u.tenant_id = $1 AND ($3::text IS NULL OR u.id = $3)
ORDER BY CASE $4::text WHEN 'stored' THEN coalesce(s.bytes, 0)
    WHEN 'tokens' THEN coalesce(spent.input + spent.output, 0) ELSE coalesce(spent.turns, 0) END DESC, u.id
LIMIT $5
