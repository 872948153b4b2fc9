INSERT INTO pushes (tenant_id, task_id, id, user_id, conversation_id, url, scheme, sealed, origin, after_seq, ended_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, CASE WHEN $11 THEN now() END)
ON CONFLICT (tenant_id, task_id, id) DO UPDATE
SET url = excluded.url, scheme = excluded.scheme, sealed = excluded.sealed, origin = excluded.origin, next_at = now(),
    lease_owner = NULL, failures = 0, failing_since = NULL, ended_at = excluded.ended_at
