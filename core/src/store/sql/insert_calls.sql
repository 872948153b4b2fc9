WITH new AS (
    SELECT * FROM unnest($3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[], $9::uuid[])
        AS c (id, step, agent_id, question, task_id, answers)
), answered AS (
    DELETE FROM open_calls WHERE tenant_id = $1 AND call_id IN (SELECT answers FROM new) AND state <> 'given_up'
)
INSERT INTO calls (tenant_id, turn_id, id, step, agent_id, question, state, task_id, answers, started_at)
SELECT $1, $2, new.id, new.step, new.agent_id, new.question, 'running', new.task_id, new.answers, $8
FROM new
