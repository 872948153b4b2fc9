DELETE FROM events WHERE tenant_id = $1 AND at < $2
