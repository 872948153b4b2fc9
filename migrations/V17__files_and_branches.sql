-- Files that agents gave with their replies. They go with their turn, and so with its conversation and by the tenant's
-- retention. Those that members send are in their messages.

CREATE TABLE files (
    tenant_id       text NOT NULL,
    conversation_id uuid NOT NULL,
    id              uuid NOT NULL,
    turn_id         uuid NOT NULL,
    call_id         uuid NOT NULL,
    number          integer NOT NULL, -- its place among those of its call
    agent_id        text NOT NULL,
    name            text NOT NULL,
    media_type      text NOT NULL,
    bytes           bigint NOT NULL,
    content         bytea NOT NULL,
    at              timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id, id),
    UNIQUE (tenant_id, turn_id, call_id, number),
    FOREIGN KEY (tenant_id, turn_id) REFERENCES turns (tenant_id, id) ON DELETE CASCADE
);
ALTER TABLE files ENABLE ROW LEVEL SECURITY;
ALTER TABLE files FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON files USING (tenant_id = current_setting('app.tenant', true));

-- Of which conversation this one is a branch; that one may be gone. NULL: of none.
ALTER TABLE conversations ADD COLUMN branch_of uuid;
