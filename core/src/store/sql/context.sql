SELECT x.conversation_id FROM contexts x
JOIN members m ON m.tenant_id = x.tenant_id AND m.conversation_id = x.conversation_id AND m.user_id = x.user_id
WHERE x.tenant_id = $1 AND x.user_id = $2 AND x.name = $3
