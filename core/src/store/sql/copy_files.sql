INSERT INTO files (tenant_id, conversation_id, id, turn_id, call_id, number, agent_id, name, media_type, bytes, content, at)
SELECT f.tenant_id, $4, f.id, pair.copy, f.call_id, f.number, f.agent_id, f.name, f.media_type, f.bytes, f.content, f.at
FROM unnest($2::uuid[], $3::uuid[]) AS pair (id, copy)
JOIN files f ON f.tenant_id = $1 AND f.turn_id = pair.id
