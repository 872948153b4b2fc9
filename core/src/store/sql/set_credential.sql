INSERT INTO agent_credentials (tenant_id, agent_id, kind, place, name, token_url, origin, sealed, set_at, set_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (tenant_id, agent_id) DO UPDATE
SET kind = excluded.kind, place = excluded.place, name = excluded.name, token_url = excluded.token_url,
    origin = excluded.origin, sealed = excluded.sealed, set_at = excluded.set_at, set_by = excluded.set_by
