SELECT DISTINCT tenant_id FROM sessions
WHERE ended_at IS NULL AND (subject_hash = $1 OR provider_hash = $2)
LIMIT $3
