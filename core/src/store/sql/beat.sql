INSERT INTO cores (id, alive_until) VALUES ($1, now() + $2 * interval '1 millisecond')
ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until
