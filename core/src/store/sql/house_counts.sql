SELECT at, what, label, n FROM house_counts
WHERE step = $1 AND at >= $2 AND at < $3 AND what = ANY ($4::text[])
