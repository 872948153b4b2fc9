UPDATE sessions SET ended_at = now(), refresh_token = NULL
WHERE tenant_id = $1 AND user_id = $2 AND ended_at IS NULL
RETURNING id
