SELECT id, card_url, coalesce(profile, card), examples, groups FROM agents WHERE tenant_id = $1 ORDER BY id
