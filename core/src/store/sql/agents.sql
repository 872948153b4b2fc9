SELECT id, card_url, coalesce(profile, card), examples, groups, off_since IS NULL
FROM agents WHERE tenant_id = $1 ORDER BY id
