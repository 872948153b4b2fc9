UPDATE agents a SET groups = $3, updated_at = now()
FROM (SELECT groups FROM agents WHERE tenant_id = $1 AND id = $2) before
WHERE a.tenant_id = $1 AND a.id = $2
RETURNING before.groups
