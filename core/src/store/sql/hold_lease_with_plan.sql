UPDATE turns SET mark = $5, plan = $6, state_at = now()
WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3 AND attempt = $4 AND state = 'running' AND mark IS DISTINCT FROM $5
