UPDATE turns SET lease_until = now() - interval '1 second'
WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3 AND attempt = $4 AND state = 'running'
