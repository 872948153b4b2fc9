SELECT DISTINCT tenant_id FROM open_calls WHERE due_at <= now()
