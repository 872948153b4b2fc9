-- What those who look after a tenant see and switch.

-- An agent that is switched off is asked by nobody, and keeps its examples, groups and card. NULL: it is on. A version that
-- does not know the column asks it all the same.
ALTER TABLE agents ADD COLUMN off_since timestamptz;

-- A user as the last token said that was verified for one; NULL: no token has since this is known. A key says less than
-- its user is, so it changes none of these but the time.
ALTER TABLE users ADD COLUMN roles text[];
ALTER TABLE users ADD COLUMN groups text[];
ALTER TABLE users ADD COLUMN tier text;
ALTER TABLE users ADD COLUMN seen_at timestamptz; -- to a quarter of an hour, so that reading does not write

ALTER TABLE usage ADD COLUMN last_at timestamptz; -- when the last turn of the hour ended

-- A search in the audit begins at a time.
CREATE INDEX audit_by_time ON audit (tenant_id, at);
