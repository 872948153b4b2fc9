UPDATE agents a SET off_since = CASE WHEN $3 THEN NULL ELSE coalesce(a.off_since, now()) END, updated_at = now()
FROM (SELECT off_since IS NULL AS enabled FROM agents WHERE tenant_id = $1 AND id = $2) before
WHERE a.tenant_id = $1 AND a.id = $2
RETURNING before.enabled
