SELECT date_trunc($2, at), count(*) FILTER (WHERE value = 'up'), count(*) FILTER (WHERE value = 'down'),
       count(*) FILTER (WHERE value = 'down' AND right_agents <> '{}')
FROM feedback
WHERE tenant_id = $1 AND at >= $3 AND at < $4
GROUP BY 1
