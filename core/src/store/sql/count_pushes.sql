SELECT count(*) FILTER (WHERE task_id = $3), count(*) FILTER (WHERE ended_at IS NULL)
FROM pushes
WHERE tenant_id = $1 AND user_id = $2 AND (task_id = $3 OR ended_at IS NULL)
    AND NOT (task_id IS NOT DISTINCT FROM $3 AND id IS NOT DISTINCT FROM $4)
