UPDATE conversations SET last_seq = last_seq + $3, updated_at = now()
WHERE tenant_id = $1 AND id = $2
RETURNING last_seq
