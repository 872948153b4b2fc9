INSERT INTO contexts (tenant_id, user_id, name, conversation_id) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, user_id, name) DO UPDATE SET conversation_id = excluded.conversation_id
WHERE NOT EXISTS (
    SELECT FROM members m
    WHERE m.tenant_id = contexts.tenant_id AND m.conversation_id = contexts.conversation_id AND m.user_id = contexts.user_id)
