DELETE FROM parts WHERE kind <> 'drill' AND at < $1
