UPDATE turns SET cancel_requested = true WHERE tenant_id = $1 AND id = $2 AND state = 'running'
