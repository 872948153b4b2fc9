SELECT coalesce(sum(turns), 0)::bigint AS turns, coalesce(sum(calls), 0)::bigint AS calls,
    coalesce(sum(llm_input_tokens), 0)::bigint AS input, coalesce(sum(llm_output_tokens), 0)::bigint AS output,
    (SELECT coalesce(sum(bytes), 0)::bigint FROM stored WHERE tenant_id = $1) AS stored_bytes,
    (SELECT count(*) FROM users WHERE tenant_id = $1) AS users
FROM usage WHERE tenant_id = $1 AND hour >= $2
