UPDATE open_calls SET due_at = now() + $4 * interval '1 millisecond', lease_owner = NULL, failures = failures + 1
WHERE tenant_id = $1 AND call_id = $2 AND lease_owner = $3
