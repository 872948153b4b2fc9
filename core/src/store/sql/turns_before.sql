SELECT id FROM turns
WHERE tenant_id = $1 AND conversation_id = $2 AND message_seq < $3 AND state <> 'running'
ORDER BY message_seq DESC
LIMIT $4
