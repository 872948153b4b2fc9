UPDATE sessions SET ended_at = now(), refresh_token = NULL
WHERE tenant_id = $1 AND ended_at IS NULL AND ($2::bytea IS NULL OR subject_hash = $2)
    AND ($3::bytea IS NULL OR provider_hash = $3) AND ($2::bytea IS NOT NULL OR $3::bytea IS NOT NULL)
RETURNING id, user_id
