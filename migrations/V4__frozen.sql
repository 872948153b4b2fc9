-- Learning that cannot make routing worse: the messages that it is measured by and never learns from, the messages
-- that are for nobody, and whose example a reviewed message became.

CREATE TABLE frozen (
    tenant_id text NOT NULL REFERENCES tenants (id),
    number    integer NOT NULL,           -- its place among the others
    text      text NOT NULL,
    agents    text[] NOT NULL,            -- those that should get it; empty: nobody
    language  text NOT NULL DEFAULT '',   -- BCP 47; empty when not known
    PRIMARY KEY (tenant_id, number)
);

CREATE TABLE nobody (
    tenant_id text NOT NULL REFERENCES tenants (id),
    number    integer NOT NULL,           -- its place among the others
    text      text NOT NULL,
    language  text NOT NULL DEFAULT '',   -- BCP 47; empty when not known
    PRIMARY KEY (tenant_id, number)
);

-- NULL: nothing was learned; empty: it became an example of nobody's.
ALTER TABLE suggestions ADD COLUMN taught text[];
UPDATE suggestions SET taught = ARRAY[agent_id] WHERE state = 'approved' AND positive;

ALTER TABLE frozen ENABLE ROW LEVEL SECURITY;
ALTER TABLE nobody ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON frozen USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON nobody USING (tenant_id = current_setting('app.tenant', true));
