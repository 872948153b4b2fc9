INSERT INTO frozen (tenant_id, number, text, agents, language)
SELECT $1::text, number, row ->> 'text', ARRAY(SELECT jsonb_array_elements_text(row -> 'agents')),
       coalesce(row ->> 'language', '')
FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS given (row, number)
