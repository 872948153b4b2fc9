UPDATE sessions SET seen_at = now() WHERE tenant_id = $1 AND id = $2
