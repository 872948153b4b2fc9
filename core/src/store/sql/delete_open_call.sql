DELETE FROM open_calls WHERE tenant_id = $1 AND call_id = $2 AND lease_owner = $3
