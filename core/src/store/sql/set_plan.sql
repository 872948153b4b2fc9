UPDATE turns SET plan = $3, state_at = now() WHERE tenant_id = $1 AND id = $2
