INSERT INTO calls (tenant_id, turn_id, id, step, agent_id, question, state, task_id, started_at)
VALUES ($1, $2, $3, $4, $5, $6, 'running', $7, $8)
