DELETE FROM nobody WHERE tenant_id = $1
