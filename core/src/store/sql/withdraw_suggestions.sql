DELETE FROM suggestions
WHERE tenant_id = $1 AND turn_id = $2 AND state = 'open' AND source IN ('correction', 'thumbs')
  AND agent_id <> ALL ($3::text[])
