UPDATE calls SET state = 'canceled', reason = 'the question was canceled'
WHERE tenant_id = $1 AND turn_id = $2 AND state = 'working'
