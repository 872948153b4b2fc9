-- Calls whose turn has ended and whose agent has not: it waits for its user, or it is still to be told that nobody goes on
-- with its work. A row outlives its conversation, so that the agent is told all the same.
CREATE TABLE open_calls (
    tenant_id       text NOT NULL,
    call_id         uuid NOT NULL,
    turn_id         uuid NOT NULL,
    conversation_id uuid NOT NULL,
    user_id         text NOT NULL,    -- who has asked
    agent_id        text NOT NULL,
    task            text NOT NULL,    -- the agent's own id of its work (A2A)
    state           text NOT NULL,    -- waiting, sign_in, given_up
    asks_on         boolean NOT NULL, -- it was answered, and asks again
    since           timestamptz NOT NULL DEFAULT now(),
    due_at          timestamptz NOT NULL, -- when it is to be looked at
    lease_owner     uuid,             -- the core that looks at it just now
    failures        integer NOT NULL DEFAULT 0, -- in a row
    PRIMARY KEY (tenant_id, call_id)
);
CREATE INDEX open_calls_of_conversation ON open_calls (tenant_id, conversation_id);
CREATE INDEX open_calls_of_user ON open_calls (tenant_id, user_id, since);
CREATE INDEX open_calls_due ON open_calls (due_at);
ALTER TABLE open_calls ENABLE ROW LEVEL SECURITY;
ALTER TABLE open_calls FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON open_calls USING (tenant_id = current_setting('app.tenant', true));

-- The call whose question a call answers.
ALTER TABLE calls ADD COLUMN answers uuid;

-- Whose task of A2A a turn belongs to, where another member's message goes on with it.
ALTER TABLE turns ADD COLUMN task_user text;
CREATE INDEX turns_by_task_user ON turns (tenant_id, task_user) WHERE task_user IS NOT NULL;
