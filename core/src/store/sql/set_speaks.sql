UPDATE conversations SET speaks = $3 WHERE tenant_id = $1 AND id = $2
