SELECT DISTINCT tenant_id FROM turns
WHERE state = 'running' AND coalesce(lease_until < now(), true)
    AND NOT EXISTS (SELECT FROM cores WHERE cores.id = turns.lease_owner AND cores.alive_until > now())
