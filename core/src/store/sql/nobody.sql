SELECT text, language FROM nobody WHERE tenant_id = $1 ORDER BY number
