UPDATE turns SET continued_by = $3
WHERE tenant_id = $1 AND id = $2 AND continued_by IS NULL
    AND (state = 'input_required' OR state = 'completed' AND plan ->> 'mode' = 'clarify')
