SELECT * FROM pushes
WHERE tenant_id = $1 AND user_id = $2 AND task_id = $3 AND ($4::text IS NULL OR id = $4)
    AND ($5::text IS NULL OR id > $5)
ORDER BY id
LIMIT $6
