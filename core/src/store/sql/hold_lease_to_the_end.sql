UPDATE turns SET mark = $5, state = $6, answer = $7, error = $8, calls = $9, llm_input_tokens = $10,
                 llm_output_tokens = $11, ms = $12, finished_at = $13, degraded = $14
WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3 AND attempt = $4 AND state = 'running' AND mark IS DISTINCT FROM $5
