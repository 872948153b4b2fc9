SELECT at, what, label, n FROM counts
WHERE tenant_id = $1 AND step = $2 AND at >= $3 AND at < $4 AND what = ANY ($5::text[])
