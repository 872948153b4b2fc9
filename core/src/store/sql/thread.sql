SELECT t.conversation_id, t.turn_id, t.seq, t.at FROM threads t
JOIN members m ON m.tenant_id = t.tenant_id AND m.conversation_id = t.conversation_id AND m.user_id = t.user_id
WHERE t.tenant_id = $1 AND t.user_id = $2 AND t.head = $3
ORDER BY t.at = (SELECT max(last.at) FROM threads last
                 WHERE last.tenant_id = t.tenant_id AND last.conversation_id = t.conversation_id) DESC, t.at DESC
LIMIT 1
