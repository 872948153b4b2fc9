SELECT id, agent_id, text, language, source, positive, turn_id, state, decided_by, at, taught FROM suggestions
WHERE tenant_id = $1 AND id = $2
FOR UPDATE
