UPDATE suggestions SET state = $3, decided_by = $4 WHERE tenant_id = $1 AND id = $2
