INSERT INTO turns (tenant_id, id, conversation_id, message_id, message_seq, user_id, chosen, state, attempt, lease_owner, plan,
                   hops, answer, degraded, error, calls, llm_input_tokens, llm_output_tokens, ms, created_at, finished_at,
                   author_groups, author_is_admin, author_agents)
SELECT t.tenant_id, pair.copy, $4, t.message_id, t.message_seq, $5, t.chosen,
       CASE WHEN t.state IN ('input_required', 'working') THEN 'completed' ELSE t.state END, t.attempt, t.lease_owner, t.plan, t.hops,
       t.answer, t.degraded, t.error, t.calls, t.llm_input_tokens, t.llm_output_tokens, t.ms, t.created_at, t.finished_at,
       t.author_groups, t.author_is_admin, t.author_agents
FROM unnest($2::uuid[], $3::uuid[]) AS pair (id, copy)
JOIN turns t ON t.tenant_id = $1 AND t.id = pair.id
