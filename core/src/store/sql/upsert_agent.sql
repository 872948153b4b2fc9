INSERT INTO agents (tenant_id, id, card_url, profile, examples, groups, added_by, card, card_bytes, card_keys)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (tenant_id, id) DO UPDATE
SET card_url = excluded.card_url, profile = excluded.profile, examples = excluded.examples, groups = excluded.groups,
    added_by = excluded.added_by, card = excluded.card, card_bytes = excluded.card_bytes,
    card_keys = excluded.card_keys, updated_at = now()
