UPDATE turns SET lease_owner = $2, lease_until = now() + $3 * interval '1 millisecond', attempt = attempt + 1
WHERE tenant_id = $1 AND id IN (
    SELECT id FROM turns
    WHERE tenant_id = $1 AND state = 'running' AND lease_until < now()
    ORDER BY lease_until
    LIMIT $4
    FOR UPDATE SKIP LOCKED
)
RETURNING *
