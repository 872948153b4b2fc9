SELECT examples, groups, off_since IS NULL, card_keys FROM agents WHERE tenant_id = $1 AND id = $2
