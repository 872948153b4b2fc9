SELECT count(*) FROM suggestions WHERE tenant_id = $1 AND state = 'open' AND user_id = $2
