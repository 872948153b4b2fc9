SELECT seq, turn_id, body, at FROM events
WHERE tenant_id = $1 AND conversation_id = $2 AND seq > $3
ORDER BY seq
LIMIT $4
