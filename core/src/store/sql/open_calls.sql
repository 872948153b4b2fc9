SELECT o.call_id, o.turn_id, o.agent_id, o.task, o.asks_on, coalesce(t.task_id, t.id) AS of_task,
       o.state = 'sign_in' AS signs_in, coalesce(o.question, '') AS question
FROM open_calls o
JOIN turns t ON t.tenant_id = o.tenant_id AND t.id = o.turn_id
WHERE o.tenant_id = $1 AND o.conversation_id = $2 AND o.state IN ('waiting', 'sign_in')
ORDER BY o.since DESC, o.call_id DESC
LIMIT $3
