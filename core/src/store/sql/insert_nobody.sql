INSERT INTO nobody (tenant_id, number, text, language)
SELECT $1::text, number, row ->> 'text', coalesce(row ->> 'language', '')
FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS given (row, number)
