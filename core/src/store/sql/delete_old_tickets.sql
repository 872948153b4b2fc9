DELETE FROM tickets WHERE tenant_id = $1 AND expires_at < now()
