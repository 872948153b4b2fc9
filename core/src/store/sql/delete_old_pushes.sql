DELETE FROM pushes WHERE tenant_id = $1 AND (task_id, id) IN (
    SELECT task_id, id FROM pushes WHERE tenant_id = $1 AND ended_at < $2 ORDER BY ended_at LIMIT $3
)
