INSERT INTO files (tenant_id, conversation_id, id, turn_id, call_id, number, agent_id, name, media_type, bytes, content, at)
SELECT $1, $2, f.id, $3, $4, f.place::integer - 1, $5, f.name, f.media_type, octet_length(f.content), f.content, $6
FROM unnest($7::uuid[], $8::text[], $9::text[], $10::bytea[]) WITH ORDINALITY
    AS f (id, name, media_type, content, place)
