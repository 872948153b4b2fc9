SELECT DISTINCT tenant_id FROM (
    SELECT tenant_id FROM turns WHERE state = 'running' AND lease_until < now() ORDER BY lease_until LIMIT $1
) AS due
