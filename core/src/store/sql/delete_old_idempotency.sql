DELETE FROM idempotency WHERE tenant_id = $1 AND (user_id, key) IN (
    SELECT user_id, key FROM idempotency WHERE tenant_id = $1 AND at < $2 ORDER BY at LIMIT $3
)
