-- Whoever works is stopped by the core that looks at it, which says so.
UPDATE open_calls SET state = CASE state WHEN 'working' THEN state ELSE 'given_up' END, until_at = now(), due_at = now(),
                      lease_owner = NULL, failures = 0
WHERE tenant_id = $1 AND call_id IN (
    SELECT call_id FROM open_calls
    WHERE tenant_id = $1 AND user_id = $2 AND state <> 'given_up'
    ORDER BY since DESC, call_id DESC
    OFFSET $3
)
