SELECT asked.id FROM unnest($2::text[]) WITH ORDINALITY AS asked (id, place)
WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.tenant_id = $1 AND u.id = asked.id)
ORDER BY asked.place
