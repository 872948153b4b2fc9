SELECT id, agent_id, text, language, source, positive, turn_id, state, decided_by, at, taught FROM suggestions
WHERE tenant_id = $1 AND ($2::text IS NULL OR state = $2) AND ($3::uuid IS NULL OR id > $3)
ORDER BY id
LIMIT $4
