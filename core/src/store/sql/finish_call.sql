UPDATE calls SET state = $4, task_id = coalesce($5, task_id), reply = $6, reason = $7, partial = $8, ms = $9
WHERE tenant_id = $1 AND turn_id = $2 AND id = $3
