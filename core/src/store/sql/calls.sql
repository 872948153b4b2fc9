SELECT id, step, agent_id, question, state, task_id, reply, reason, partial, ms, coalesce((
    SELECT jsonb_agg(jsonb_build_object('id', f.id, 'agent', f.agent_id, 'name', f.name, 'media_type', f.media_type,
                                        'bytes', f.bytes) ORDER BY f.number)
    FROM files f WHERE f.tenant_id = $1 AND f.turn_id = $2 AND f.call_id = calls.id), '[]') AS files, answers
FROM calls
WHERE tenant_id = $1 AND turn_id = $2
ORDER BY step
