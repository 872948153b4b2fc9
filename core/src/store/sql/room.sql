SELECT c.speaks, m.user_id
FROM conversations c
JOIN members m ON m.tenant_id = c.tenant_id AND m.conversation_id = c.id
WHERE c.tenant_id = $1 AND c.id = $2
