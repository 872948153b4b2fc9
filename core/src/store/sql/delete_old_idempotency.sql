DELETE FROM idempotency WHERE tenant_id = $1 AND at < $2
