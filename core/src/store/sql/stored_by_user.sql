SELECT bytes FROM stored WHERE tenant_id = $1 AND user_id = $2
