UPDATE sessions SET ended_at = now(), refresh_token = NULL
WHERE tenant_id = $1 AND id IN (
    SELECT id FROM sessions
    WHERE tenant_id = $1 AND user_id = $2 AND ended_at IS NULL
    ORDER BY created_at DESC
    OFFSET $3
)
RETURNING id
