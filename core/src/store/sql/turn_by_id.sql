SELECT id, state, plan, message_seq, user_id FROM turns WHERE tenant_id = $1 AND id = $2
