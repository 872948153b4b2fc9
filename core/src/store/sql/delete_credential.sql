DELETE FROM agent_credentials WHERE tenant_id = $1 AND agent_id = $2
