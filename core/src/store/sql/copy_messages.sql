INSERT INTO messages (tenant_id, conversation_id, seq, id, author, body, parts, turn_id, at, files, bytes, agent_id)
SELECT m.tenant_id, $4, m.seq, m.id, m.author, m.body, m.parts, pair.copy, m.at, m.files, m.bytes, m.agent_id
FROM unnest($2::uuid[], $3::uuid[]) AS pair (id, copy)
JOIN messages m ON m.tenant_id = $1 AND m.turn_id = pair.id
