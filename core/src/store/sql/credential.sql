SELECT kind, place, name, token_url, origin, set_at, set_by
FROM agent_credentials WHERE tenant_id = $1 AND agent_id = $2
