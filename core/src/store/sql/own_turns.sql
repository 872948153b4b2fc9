SELECT tenant_id, id, attempt, cancel_requested FROM turns WHERE state = 'running' AND lease_owner = $1
