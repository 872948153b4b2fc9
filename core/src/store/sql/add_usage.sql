INSERT INTO usage (tenant_id, user_id, hour, turns, calls, llm_input_tokens, llm_output_tokens, last_at)
VALUES ($1, $2, date_trunc('hour', $3::timestamptz), 1, $4, $5, $6, $3)
ON CONFLICT (tenant_id, user_id, hour) DO UPDATE
SET turns = usage.turns + 1, calls = usage.calls + excluded.calls,
    llm_input_tokens = usage.llm_input_tokens + excluded.llm_input_tokens,
    llm_output_tokens = usage.llm_output_tokens + excluded.llm_output_tokens,
    last_at = greatest(usage.last_at, excluded.last_at)
