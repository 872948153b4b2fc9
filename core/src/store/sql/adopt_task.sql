WITH waits AS (
    UPDATE turns SET continued_by = $3
    WHERE tenant_id = $1 AND id = $2 AND user_id = $4 AND state = 'input_required' AND task_id IS NOT NULL
        AND continued_by IS NULL
    RETURNING task_id
)
UPDATE turns SET task_id = waits.task_id, continues = $2
FROM waits
WHERE turns.tenant_id = $1 AND turns.id = $3 AND turns.task_id IS NULL
