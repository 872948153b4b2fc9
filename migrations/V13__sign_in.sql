-- Sign-in: sessions that an identity provider began, keys for programs, tickets for sockets, and what was taken back.

CREATE TABLE sessions (
    tenant_id      text NOT NULL REFERENCES tenants (id),
    id             uuid NOT NULL,
    secret_hash    bytea NOT NULL,       -- SHA-256 of what the browser holds
    login_hash     bytea NOT NULL,       -- of the sign-in that began it, which therefore begins no second one
    user_id        text NOT NULL,
    name           text NOT NULL,        -- as people read it
    provider       text NOT NULL,        -- login.providers.id
    subject_hash   bytea NOT NULL,       -- SHA-256 of the provider and whom it calls this
    provider_hash  bytea,                -- SHA-256 of the provider and its own session, where it names one
    subject        text NOT NULL,        -- the provider's `sub`
    roles          text[] NOT NULL,
    groups         text[] NOT NULL,
    tier           text NOT NULL,
    refresh_token  bytea,                -- the provider's, sealed; NULL: it gave none, or the session has ended
    client         text NOT NULL,        -- the browser, as it calls itself
    created_at     timestamptz NOT NULL DEFAULT now(),
    seen_at        timestamptz NOT NULL DEFAULT now(),
    checked_at     timestamptz NOT NULL DEFAULT now(), -- when the provider last stood by it
    checking_until timestamptz,          -- somebody asks the provider, until then
    expires_at     timestamptz NOT NULL,
    ended_at       timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, secret_hash),
    UNIQUE (tenant_id, login_hash)
);
CREATE INDEX sessions_of_user ON sessions (tenant_id, user_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_subject ON sessions (subject_hash) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_provider ON sessions (provider_hash) WHERE ended_at IS NULL;

CREATE TABLE api_keys (
    tenant_id    text NOT NULL REFERENCES tenants (id),
    id           uuid NOT NULL,
    secret_hash  bytea NOT NULL,         -- SHA-256 of 256 random bits
    user_id      text NOT NULL,          -- whose it is
    name         text NOT NULL,
    roles        text[] NOT NULL,
    groups       text[] NOT NULL,
    tier         text NOT NULL,
    agents       text[],                 -- those that it may use; NULL: those that its user may
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,            -- NULL: never
    last_used_at timestamptz,
    revoked_at   timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, secret_hash)
);
CREATE INDEX api_keys_of_user ON api_keys (tenant_id, user_id) WHERE revoked_at IS NULL;

CREATE TABLE tickets (
    tenant_id   text NOT NULL REFERENCES tenants (id),
    secret_hash bytea NOT NULL,          -- SHA-256 of 256 random bits
    identity    jsonb NOT NULL,          -- whom it lets in
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, secret_hash)
);

-- What edges refuse although its signature is good.
CREATE TABLE revocations (
    tenant_id text NOT NULL REFERENCES tenants (id),
    id        uuid NOT NULL,
    kind      text NOT NULL CHECK (kind IN ('token', 'user', 'session', 'key')),
    subject   text NOT NULL,             -- the id of that
    at        timestamptz NOT NULL,      -- of a user: what was issued until then
    until     timestamptz NOT NULL,      -- then nothing is left that it could be about
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX revocations_by_age ON revocations (at);

-- Of a message that came with a key for some agents only. NULL: those that its author may use.
ALTER TABLE turns ADD COLUMN author_agents text[];

ALTER TABLE sessions    ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions    FORCE ROW LEVEL SECURITY;
ALTER TABLE api_keys    ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys    FORCE ROW LEVEL SECURITY;
ALTER TABLE tickets     ENABLE ROW LEVEL SECURITY;
ALTER TABLE tickets     FORCE ROW LEVEL SECURITY;
ALTER TABLE revocations ENABLE ROW LEVEL SECURITY;
ALTER TABLE revocations FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON sessions USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON api_keys USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON tickets USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON revocations USING (tenant_id = current_setting('app.tenant', true));
