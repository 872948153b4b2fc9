UPDATE turns SET plan = $3 WHERE tenant_id = $1 AND id = $2
