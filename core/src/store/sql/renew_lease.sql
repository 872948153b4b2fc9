UPDATE turns SET lease_until = now() + $5 * interval '1 millisecond'
WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3 AND attempt = $4 AND state = 'running'
RETURNING cancel_requested
