SELECT seq FROM audit WHERE tenant_id = $1 AND at < $2 ORDER BY at DESC LIMIT 1
