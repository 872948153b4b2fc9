SELECT id, at, body FROM parts WHERE kind = $1 AND at >= $2 ORDER BY id LIMIT 1000
