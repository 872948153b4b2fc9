UPDATE turns SET state = 'canceled', state_at = now()
WHERE tenant_id = $1 AND id = $2 AND continued_by IS NULL
    AND (state IN ('input_required', 'working') OR state = 'completed' AND plan ->> 'mode' = 'clarify')
