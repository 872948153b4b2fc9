SELECT tenant_id, id, kind, subject, at, until FROM revocations
WHERE at > $1 AND until > now()
ORDER BY at, id
LIMIT $2
