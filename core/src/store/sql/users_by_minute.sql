SELECT date_trunc('minute', created_at), count(DISTINCT user_id) FROM turns
WHERE tenant_id = $1 AND created_at >= $2 AND created_at < $3
GROUP BY GROUPING SETS ((date_trunc('minute', created_at)), ())
