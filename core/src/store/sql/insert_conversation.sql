INSERT INTO conversations (tenant_id, id, title, created_by, speaks) VALUES ($1, $2, $3, $4, $5)
RETURNING id, title, last_seq, created_at, updated_at
