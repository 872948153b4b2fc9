SELECT id, state, plan, message_seq, user_id FROM turns
WHERE tenant_id = $1 AND conversation_id = $2 AND message_seq < $3 AND plan ->> 'mode' IS DISTINCT FROM 'quiet'
ORDER BY message_seq DESC
LIMIT 1
