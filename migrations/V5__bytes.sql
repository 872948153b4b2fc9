-- What is read is bounded in bytes: a page of messages does not read the bytes of their files, and a page of events
-- knows how large each is without reading it.

-- Names, media types and sizes of a message's files: [{"name": …, "media_type": …, "bytes": …}]. NULL where a version
-- that does not know the column wrote the row: then they are told from `parts`.
ALTER TABLE messages ADD COLUMN files jsonb;
UPDATE messages SET files = '[]' WHERE parts = '[]';
UPDATE messages SET files = (
    SELECT jsonb_agg(jsonb_build_object(
        'name', part -> 'name', 'media_type', part -> 'media_type',
        'bytes', length(rtrim(part ->> 'data', '=')) * 3 / 4) ORDER BY number)
    FROM jsonb_array_elements(parts) WITH ORDINALITY AS p (part, number))
WHERE files IS NULL;

ALTER TABLE events ADD COLUMN bytes integer; -- of the body as text; NULL where an older version wrote the row
