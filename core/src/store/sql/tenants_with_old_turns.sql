SELECT DISTINCT tenant_id FROM (
    SELECT tenant_id FROM turns WHERE created_at < $1 AND state <> 'running' ORDER BY created_at LIMIT $2
) AS due
