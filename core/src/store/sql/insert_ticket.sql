INSERT INTO tickets (tenant_id, secret_hash, identity, expires_at)
VALUES ($1, $2, $3, now() + make_interval(secs => $4))
