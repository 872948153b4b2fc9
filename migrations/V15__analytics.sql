-- Live analytics: what happened, by minute and by hour, of each tenant and of the house as a whole.

CREATE TABLE counts (
    tenant_id text NOT NULL,
    step      text NOT NULL CHECK (step IN ('minute', 'hour')),
    at        timestamptz NOT NULL, -- when that minute or hour begins
    what      text NOT NULL,
    label     text NOT NULL,        -- of what kind: an agent, a language, a bucket's upper bound; empty: of none
    n         bigint NOT NULL,
    PRIMARY KEY (tenant_id, step, at, what, label)
) WITH (fillfactor = 70);
ALTER TABLE counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE counts FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON counts USING (tenant_id = current_setting('app.tenant', true));

-- The same of all tenants together: no label here is a tenant's word.
CREATE TABLE house_counts (
    step  text NOT NULL CHECK (step IN ('minute', 'hour')),
    at    timestamptz NOT NULL,
    what  text NOT NULL,
    label text NOT NULL,
    n     bigint NOT NULL,
    PRIMARY KEY (step, at, what, label)
) WITH (fillfactor = 70);

-- What each edge and core said of itself last; nothing in it is a tenant's.
CREATE TABLE parts (
    kind text NOT NULL CHECK (kind IN ('edge', 'core', 'drill')),
    id   text NOT NULL,
    at   timestamptz NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (kind, id)
) WITH (fillfactor = 50);

-- Who was there, and what they thought, in a time.
CREATE INDEX usage_by_hour ON usage (tenant_id, hour);
CREATE INDEX feedback_by_time ON feedback (tenant_id, at);
