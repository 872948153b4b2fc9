UPDATE conversations SET forgotten_before = $3 WHERE tenant_id = $1 AND id = ANY($2)
