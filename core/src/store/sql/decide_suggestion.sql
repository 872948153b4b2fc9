UPDATE suggestions SET state = $3, decided_by = $4, taught = $5, text = $6, language = $7
WHERE tenant_id = $1 AND id = $2
