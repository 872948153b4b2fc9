UPDATE turns SET lease_owner = '00000000-0000-0000-0000-000000000000'
WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3 AND attempt = $4 AND state = 'running'
