-- The first schema. Rules of this folder: see README.md beside this file.

CREATE TABLE tenants (
    id               text PRIMARY KEY,
    registry_version bigint NOT NULL DEFAULT 0, -- one more at each change of the tenant's agents
    created_at       timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
    tenant_id  text NOT NULL REFERENCES tenants (id),
    id         text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE conversations (
    tenant_id  text NOT NULL REFERENCES tenants (id),
    id         uuid NOT NULL,
    title      text NOT NULL,
    last_seq   bigint NOT NULL DEFAULT 0, -- the gap-free number of its last event
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE members (
    tenant_id       text NOT NULL,
    conversation_id uuid NOT NULL,
    user_id         text NOT NULL,
    role            text NOT NULL CHECK (role IN ('owner', 'member')),
    added_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, conversation_id, user_id),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX members_by_user ON members (tenant_id, user_id, conversation_id);

CREATE TABLE messages (
    tenant_id       text NOT NULL,
    conversation_id uuid NOT NULL,
    seq             bigint NOT NULL, -- of the event that brought it: paging is by key
    id              uuid NOT NULL,
    author          text,            -- a user's id; NULL is Switchboard
    body            text NOT NULL,
    parts           jsonb NOT NULL DEFAULT '[]',
    turn_id         uuid NOT NULL,
    client_id       text,            -- the sender's own id: the idempotency key
    request_hash    bytea,           -- of what was sent under that id
    at              timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id, seq),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) ON DELETE CASCADE,
    UNIQUE (tenant_id, conversation_id, author, client_id)
);

CREATE TABLE events (
    tenant_id       text NOT NULL,
    conversation_id uuid NOT NULL,
    seq             bigint NOT NULL,
    turn_id         uuid,
    body            jsonb NOT NULL, -- {"type": …, "data": …}
    at              timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id, seq),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX events_by_age ON events (tenant_id, at);

CREATE TABLE turns (
    tenant_id         text NOT NULL,
    id                uuid NOT NULL,
    conversation_id   uuid NOT NULL,
    message_id        uuid NOT NULL,
    message_seq       bigint NOT NULL,
    user_id           text NOT NULL,
    chosen            text[] NOT NULL DEFAULT '{}', -- agents that the sender named
    state             text NOT NULL CHECK (state IN ('running', 'completed', 'failed', 'canceled', 'input_required')),
    attempt           integer NOT NULL DEFAULT 1,   -- one more each time a core takes it up
    lease_owner       uuid NOT NULL,                -- the core's process
    lease_until       timestamptz NOT NULL,
    mark              uuid,                         -- what its core wrote last: tells a lost commit from a lost answer
    cancel_requested  boolean NOT NULL DEFAULT false,
    plan              jsonb,
    hops              integer NOT NULL DEFAULT 0,
    traceparent       text NOT NULL DEFAULT '',
    answer            text,
    degraded          text,                         -- what the answer did without
    error             text,
    calls             integer NOT NULL DEFAULT 0,
    llm_input_tokens  bigint NOT NULL DEFAULT 0,
    llm_output_tokens bigint NOT NULL DEFAULT 0,
    ms                bigint NOT NULL DEFAULT 0,
    created_at        timestamptz NOT NULL,
    finished_at       timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX turns_by_conversation ON turns (tenant_id, conversation_id, message_seq);
CREATE INDEX turns_running ON turns (tenant_id, lease_until) WHERE state = 'running';

CREATE TABLE calls (
    tenant_id   text NOT NULL,
    turn_id     uuid NOT NULL,
    id          uuid NOT NULL,
    step        integer NOT NULL, -- its place in the plan
    agent_id    text NOT NULL,
    question    text NOT NULL,
    state       text NOT NULL,
    task_id     text,             -- the agent's own id of its work (A2A)
    reply       text,
    reason      text,
    partial     boolean NOT NULL DEFAULT false,
    ms          bigint NOT NULL DEFAULT 0,
    started_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, turn_id, id),
    UNIQUE (tenant_id, turn_id, step),
    FOREIGN KEY (tenant_id, turn_id) REFERENCES turns (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE agents (
    tenant_id  text NOT NULL REFERENCES tenants (id),
    id         text NOT NULL,
    card_url   text NOT NULL,
    card       jsonb NOT NULL,
    examples   jsonb NOT NULL DEFAULT '[]', -- [{"text": …, "language": …}]
    added_by   text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE idempotency (
    tenant_id    text NOT NULL,
    user_id      text NOT NULL,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    subject      uuid NOT NULL, -- what the first request made
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, key)
);

-- Who did what, append-only: each row's hash covers the row before it.
CREATE TABLE audit (
    tenant_id text NOT NULL,
    seq       bigint NOT NULL,
    at        timestamptz NOT NULL,
    actor     text NOT NULL,
    action    text NOT NULL,
    subject   text NOT NULL,
    detail    text NOT NULL, -- JSON as it was hashed; jsonb would reorder it
    hash      bytea NOT NULL,
    PRIMARY KEY (tenant_id, seq)
);
CREATE TABLE audit_heads (
    tenant_id text PRIMARY KEY,
    seq       bigint NOT NULL,
    hash      bytea NOT NULL
);

CREATE TABLE usage (
    tenant_id         text NOT NULL,
    user_id           text NOT NULL,
    hour              timestamptz NOT NULL,
    turns             bigint NOT NULL DEFAULT 0,
    calls             bigint NOT NULL DEFAULT 0,
    llm_input_tokens  bigint NOT NULL DEFAULT 0,
    llm_output_tokens bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, user_id, hour)
);

-- The second fence: every statement names its tenant, and no row of another one is there to be found.
ALTER TABLE users         ENABLE ROW LEVEL SECURITY;
ALTER TABLE conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE members       ENABLE ROW LEVEL SECURITY;
ALTER TABLE messages      ENABLE ROW LEVEL SECURITY;
ALTER TABLE events        ENABLE ROW LEVEL SECURITY;
ALTER TABLE turns         ENABLE ROW LEVEL SECURITY;
ALTER TABLE calls         ENABLE ROW LEVEL SECURITY;
ALTER TABLE agents        ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency   ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit         ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_heads   ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage         ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON users         USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON conversations USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON members       USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON messages      USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON events        USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON turns         USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON calls         USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON agents        USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON idempotency   USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON audit         USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON audit_heads   USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON usage         USING (tenant_id = current_setting('app.tenant', true));
