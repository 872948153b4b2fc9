SELECT c.id, c.title, c.last_seq, c.created_at, c.updated_at, m.role, c.forgotten_before, c.speaks, c.branch_of
FROM conversations c
JOIN members m ON m.tenant_id = c.tenant_id AND m.conversation_id = c.id
WHERE c.tenant_id = $1 AND c.id = $2 AND m.user_id = $3
FOR UPDATE OF c
