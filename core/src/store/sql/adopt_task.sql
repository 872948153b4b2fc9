WITH waits AS (
    UPDATE turns SET continued_by = $3
    WHERE tenant_id = $1 AND id = $2 AND state = 'input_required' AND task_id IS NOT NULL AND continued_by IS NULL
    RETURNING task_id, coalesce(task_user, user_id) AS whose
)
UPDATE turns SET task_id = waits.task_id, continues = $2, task_user = nullif(waits.whose, turns.user_id)
FROM waits
WHERE turns.tenant_id = $1 AND turns.id = $3 AND turns.task_id IS NULL
