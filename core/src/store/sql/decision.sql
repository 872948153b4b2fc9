SELECT d.question, d.registry_version, d.previous, d.waiting, d.plan, d.scores, d.us, d.at,
       t.chosen, t.conversation_id, t.message_seq
FROM decisions d
JOIN turns t ON t.tenant_id = d.tenant_id AND t.id = d.turn_id
WHERE d.tenant_id = $1 AND d.turn_id = $2
