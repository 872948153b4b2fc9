UPDATE pushes SET lease_owner = $3, next_at = now() + $4 * interval '1 millisecond'
WHERE tenant_id = $1 AND (task_id, id) IN (
    SELECT p.task_id, p.id FROM pushes p
    JOIN conversations c ON c.tenant_id = p.tenant_id AND c.id = p.conversation_id
    WHERE p.tenant_id = $1 AND p.user_id = $2 AND p.ended_at IS NULL AND p.after_seq < c.last_seq
        AND (p.next_at <= now() OR (p.lease_owner IS NOT NULL
            AND NOT EXISTS (SELECT FROM cores WHERE cores.id = p.lease_owner AND cores.alive_until > now())))
    ORDER BY p.next_at
    LIMIT $5
    FOR UPDATE OF p SKIP LOCKED
)
RETURNING *
