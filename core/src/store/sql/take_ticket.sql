DELETE FROM tickets WHERE tenant_id = $1 AND secret_hash = $2 RETURNING identity, expires_at > now()
