INSERT INTO turns (tenant_id, id, conversation_id, message_id, message_seq, user_id, chosen, state, lease_owner, hops,
                   traceparent, created_at, author_groups, author_is_admin,
                   author_agents, task_id, continues)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'running', $8, $9, $10, $11, $12, $13, $14, $15, $16)
