SELECT text, agents, language FROM frozen WHERE tenant_id = $1 ORDER BY number
