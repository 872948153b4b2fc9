SELECT hour, count(DISTINCT user_id) FROM usage
WHERE tenant_id = $1 AND hour >= $2 AND hour < $3
GROUP BY GROUPING SETS ((hour), ())
