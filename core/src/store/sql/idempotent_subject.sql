SELECT subject, request_hash FROM idempotency WHERE tenant_id = $1 AND user_id = $2 AND key = $3
