SELECT user_id, value, right_agents, comment, at FROM feedback WHERE tenant_id = $1 AND turn_id = $2 ORDER BY user_id
