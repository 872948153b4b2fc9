-- Where clients of A2A want to be told what happens to a task. One of a task that is over, or that was given up, has an
-- end: it is shown for a while, without its secrets, and forgotten.
CREATE TABLE pushes (
    tenant_id       text NOT NULL,
    task_id         uuid NOT NULL,
    id              text NOT NULL,    -- the client's name for it, or one that was drawn
    user_id         text NOT NULL,
    conversation_id uuid NOT NULL,
    url             text NOT NULL,
    scheme          text,             -- of its authentication
    sealed          bytea,            -- its token and its credentials; see core/src/seal.rs
    origin          text NOT NULL,    -- under which address the client knows us
    after_seq       bigint NOT NULL,  -- of the conversation's log: what it was told last
    next_at         timestamptz NOT NULL DEFAULT now(),
    lease_owner     uuid,             -- the core that tells it just now
    failures        integer NOT NULL DEFAULT 0, -- in a row
    failing_since   timestamptz,
    ended_at        timestamptz,
    PRIMARY KEY (tenant_id, task_id, id),
    FOREIGN KEY (tenant_id, task_id) REFERENCES turns (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX pushes_by_user ON pushes (tenant_id, user_id) WHERE ended_at IS NULL;
CREATE INDEX pushes_ended ON pushes (tenant_id, ended_at) WHERE ended_at IS NOT NULL;
ALTER TABLE pushes ENABLE ROW LEVEL SECURITY;
ALTER TABLE pushes FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON pushes USING (tenant_id = current_setting('app.tenant', true));
