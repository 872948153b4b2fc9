INSERT INTO calls (tenant_id, turn_id, id, step, agent_id, question, state, reply, reason, partial, ms, started_at)
SELECT c.tenant_id, pair.copy, c.id, c.step, c.agent_id, c.question, c.state, c.reply, c.reason, c.partial, c.ms, c.started_at
FROM unnest($2::uuid[], $3::uuid[]) AS pair (id, copy)
JOIN calls c ON c.tenant_id = $1 AND c.turn_id = pair.id
