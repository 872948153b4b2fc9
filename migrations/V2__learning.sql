-- Learning from use: what was decided and on what grounds, what users thought of it, and what might be learned from
-- that once somebody has looked at it. All of it goes with the turn, and so with the conversation, that it comes from.

CREATE TABLE decisions (
    tenant_id        text NOT NULL,
    turn_id          uuid NOT NULL,
    question         text NOT NULL,
    registry_version bigint NOT NULL,
    previous         text[] NOT NULL DEFAULT '{}', -- the agents of the turn before
    waiting          text,                         -- the agent that waited for the message
    plan             jsonb NOT NULL,
    scores           jsonb NOT NULL DEFAULT '[]',  -- [{"agent": …, "score": …}], of the local model
    us               bigint NOT NULL,
    at               timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, turn_id),
    FOREIGN KEY (tenant_id, turn_id) REFERENCES turns (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE feedback (
    tenant_id    text NOT NULL,
    turn_id      uuid NOT NULL,
    user_id      text NOT NULL,
    value        text NOT NULL CHECK (value IN ('up', 'down')),
    right_agents text[] NOT NULL DEFAULT '{}', -- those that would have been right
    comment      text,
    at           timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, turn_id, user_id),
    FOREIGN KEY (tenant_id, turn_id) REFERENCES turns (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE suggestions (
    tenant_id  text NOT NULL,
    id         uuid NOT NULL,
    agent_id   text NOT NULL,
    text       text NOT NULL,
    text_hash  bytea NOT NULL,           -- SHA-256: an index row cannot hold every text
    language   text NOT NULL DEFAULT '', -- BCP 47; empty when not known
    source     text NOT NULL CHECK (source IN ('correction', 'thumbs', 'chip', 'rejection')),
    positive   boolean NOT NULL,
    turn_id    uuid NOT NULL,
    state      text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'approved', 'dismissed')),
    decided_by text,
    at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, agent_id, text_hash, positive),
    FOREIGN KEY (tenant_id, turn_id) REFERENCES turns (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX suggestions_by_turn ON suggestions (tenant_id, turn_id);
CREATE INDEX suggestions_open ON suggestions (tenant_id, id) WHERE state = 'open';

ALTER TABLE decisions   ENABLE ROW LEVEL SECURITY;
ALTER TABLE feedback    ENABLE ROW LEVEL SECURITY;
ALTER TABLE suggestions ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON decisions   USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON feedback    USING (tenant_id = current_setting('app.tenant', true));
CREATE POLICY own_tenant ON suggestions USING (tenant_id = current_setting('app.tenant', true));
