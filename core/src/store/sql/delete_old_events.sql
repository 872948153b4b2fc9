DELETE FROM events WHERE tenant_id = $1 AND (conversation_id, seq) IN (
    SELECT conversation_id, seq FROM events WHERE tenant_id = $1 AND at < $2 ORDER BY at LIMIT $3
)
