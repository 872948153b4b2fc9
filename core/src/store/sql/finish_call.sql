WITH ended AS (
    UPDATE calls SET state = $4, task_id = coalesce($5, task_id), reply = $6, reason = $7, partial = $8, ms = $9
    WHERE tenant_id = $1 AND turn_id = $2 AND id = $3
    RETURNING agent_id, task_id, answers
)
INSERT INTO open_calls (tenant_id, call_id, turn_id, conversation_id, user_id, agent_id, task, state, asks_on,
                        due_at, until_at, question)
SELECT $1, $3, $2, t.conversation_id, t.user_id, ended.agent_id, ended.task_id, $10, ended.answers IS NOT NULL,
       now() + $11 * interval '1 millisecond', now() + $12 * interval '1 millisecond', $6
FROM ended
JOIN turns t ON t.tenant_id = $1 AND t.id = $2
WHERE $10::text IS NOT NULL AND ended.task_id IS NOT NULL
ON CONFLICT DO NOTHING
