UPDATE calls SET task_id = $4 WHERE tenant_id = $1 AND turn_id = $2 AND id = $3
