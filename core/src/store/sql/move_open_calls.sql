UPDATE open_calls SET turn_id = $2
WHERE tenant_id = $1 AND call_id = ANY ($3) AND state IN ('waiting', 'sign_in')
