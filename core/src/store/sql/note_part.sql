-- The sub-select sees the row as it was before.
INSERT INTO parts (kind, id, at, body) VALUES ($1, $2, now(), $3)
ON CONFLICT (kind, id) DO UPDATE SET at = excluded.at, body = excluded.body
RETURNING (SELECT body FROM parts WHERE kind = $1 AND id = $2)
