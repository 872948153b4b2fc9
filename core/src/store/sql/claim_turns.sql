UPDATE turns SET lease_owner = $2, lease_until = NULL, attempt = attempt + 1
WHERE tenant_id = $1 AND id IN (
    SELECT id FROM turns
    WHERE tenant_id = $1 AND state = 'running' AND coalesce(lease_until < now(), true)
        AND NOT EXISTS (SELECT FROM cores WHERE cores.id = turns.lease_owner AND cores.alive_until > now())
    ORDER BY created_at
    LIMIT $3
    FOR UPDATE OF turns SKIP LOCKED
)
RETURNING *
