DELETE FROM parts WHERE kind = $1 AND id = $2
