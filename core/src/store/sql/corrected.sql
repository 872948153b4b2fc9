SELECT f.turn_id, f.at, f.right_agents, t.plan
FROM feedback f JOIN turns t ON t.tenant_id = f.tenant_id AND t.id = f.turn_id
WHERE f.tenant_id = $1 AND f.at >= $2 AND f.at < $3 AND f.value = 'down' AND f.right_agents <> '{}'
ORDER BY f.at DESC
LIMIT $4
