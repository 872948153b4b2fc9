SELECT card FROM agents WHERE tenant_id = $1 AND id = $2
