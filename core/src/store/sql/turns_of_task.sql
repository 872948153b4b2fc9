SELECT id, message_seq FROM turns
WHERE tenant_id = $1 AND (id = $2 OR task_id = $2) AND coalesce(task_id, id) = $2
ORDER BY message_seq
