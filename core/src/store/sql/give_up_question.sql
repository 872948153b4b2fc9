UPDATE turns SET state = 'canceled' WHERE tenant_id = $1 AND id = $2 AND state = 'input_required'
