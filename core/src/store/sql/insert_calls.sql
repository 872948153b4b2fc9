INSERT INTO calls (tenant_id, turn_id, id, step, agent_id, question, state, task_id, started_at)
SELECT $1, $2, c.id, c.step, c.agent_id, c.question, 'running', c.task_id, $8
FROM unnest($3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[]) AS c (id, step, agent_id, question, task_id)
