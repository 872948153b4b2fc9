INSERT INTO decisions (tenant_id, turn_id, question, registry_version, previous, waiting, plan, scores, us, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (tenant_id, turn_id) DO UPDATE
SET registry_version = excluded.registry_version, previous = excluded.previous, waiting = excluded.waiting,
    plan = excluded.plan, scores = excluded.scores, us = excluded.us, at = excluded.at
