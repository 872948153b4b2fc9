DELETE FROM pushes WHERE tenant_id = $1 AND user_id = $2 AND task_id = $3 AND id = $4
