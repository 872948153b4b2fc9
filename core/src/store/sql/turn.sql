SELECT t.*
FROM turns t
JOIN members m ON m.tenant_id = t.tenant_id AND m.conversation_id = t.conversation_id
WHERE t.tenant_id = $1 AND t.id = $2 AND m.user_id = $3
