SELECT a.id, a.card_url, coalesce(a.profile, a.card), a.examples, a.groups, a.off_since IS NULL, c.sealed, a.card_keys
FROM agents a LEFT JOIN agent_credentials c ON c.tenant_id = a.tenant_id AND c.agent_id = a.id
WHERE a.tenant_id = $1 ORDER BY a.id
