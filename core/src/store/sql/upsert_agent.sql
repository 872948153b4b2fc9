INSERT INTO agents (tenant_id, id, card_url, card, examples, groups, added_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant_id, id) DO UPDATE
SET card_url = excluded.card_url, card = excluded.card, examples = excluded.examples, groups = excluded.groups,
    added_by = excluded.added_by, updated_at = now()
