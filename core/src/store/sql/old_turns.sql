SELECT id, conversation_id FROM turns
WHERE tenant_id = $1 AND created_at < $2 AND state <> 'running'
ORDER BY created_at
LIMIT $3
FOR UPDATE SKIP LOCKED
