UPDATE turns SET state = $3, answer = $4, error = $5, calls = $6, llm_input_tokens = $7, llm_output_tokens = $8,
                 ms = $9, finished_at = $10, degraded = $11
WHERE tenant_id = $1 AND id = $2
