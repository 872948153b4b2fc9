UPDATE conversations SET branch_of = $3, last_seq = (
    SELECT coalesce(max(seq), 0) FROM messages WHERE tenant_id = $1 AND conversation_id = $2)
WHERE tenant_id = $1 AND id = $2
