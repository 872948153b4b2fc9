SELECT seq, at, actor, action, subject, detail, hash FROM audit WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
