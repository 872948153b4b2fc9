SELECT p.tenant_id, p.user_id FROM pushes p
JOIN conversations c ON c.tenant_id = p.tenant_id AND c.id = p.conversation_id
WHERE p.ended_at IS NULL AND p.after_seq < c.last_seq
    AND (p.next_at <= now() OR (p.lease_owner IS NOT NULL
        AND NOT EXISTS (SELECT FROM cores WHERE cores.id = p.lease_owner AND cores.alive_until > now())))
GROUP BY p.tenant_id, p.user_id
ORDER BY min(p.next_at)
LIMIT $1
