INSERT INTO audit (tenant_id, seq, at, actor, action, subject, detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
