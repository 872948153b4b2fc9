UPDATE open_calls SET state = 'given_up', due_at = now(), lease_owner = NULL, failures = 0
WHERE tenant_id = $1 AND state <> 'given_up' AND (turn_id = $2 OR conversation_id = $3 OR call_id = $4)
