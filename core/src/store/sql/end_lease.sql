DELETE FROM cores WHERE id = $1 OR alive_until < now() - interval '1 hour'
