-- What an agent is shown so that it answers. The secret and all that decides where it goes are sealed with login.seal_keys;
-- the columns beside that are what may be known of it. They go with their agent.

CREATE TABLE agent_credentials (
    tenant_id text NOT NULL,
    agent_id  text NOT NULL,
    kind      text NOT NULL,
    place     text,          -- of an API key: header, query or cookie
    name      text,          -- of an API key: of that header, parameter or cookie
    token_url text,          -- of OAuth 2: where tokens are given
    origin    text NOT NULL, -- the only one that is shown it
    sealed    bytea NOT NULL,
    set_at    timestamptz NOT NULL,
    set_by    text NOT NULL,
    PRIMARY KEY (tenant_id, agent_id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id) ON DELETE CASCADE
);
ALTER TABLE agent_credentials ENABLE ROW LEVEL SECURITY;
ALTER TABLE agent_credentials FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON agent_credentials USING (tenant_id = current_setting('app.tenant', true));
