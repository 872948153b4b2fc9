SELECT id, step, agent_id, question, state, task_id, reply, reason, partial, ms FROM calls
WHERE tenant_id = $1 AND turn_id = $2
ORDER BY step
