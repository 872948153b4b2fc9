UPDATE pushes SET after_seq = $5, failures = $6, failing_since = CASE WHEN $6 > 0 THEN coalesce(failing_since, now()) END,
    next_at = now() + $7 * interval '1 millisecond', lease_owner = CASE WHEN $8 THEN lease_owner END,
    ended_at = CASE WHEN $9 THEN now() END, sealed = CASE WHEN $9 THEN NULL ELSE sealed END
WHERE tenant_id = $1 AND task_id = $2 AND id = $3 AND lease_owner = $4 AND ended_at IS NULL
