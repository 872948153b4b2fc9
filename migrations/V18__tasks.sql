-- Tasks of A2A: a task is a turn, and with it the turns that answer what it asked back. NULL: a turn of a client that
-- knows of no tasks, which is one by itself.
ALTER TABLE turns ADD COLUMN task_id uuid;      -- the first turn of the task, also of that one itself
ALTER TABLE turns ADD COLUMN continues uuid;    -- the turn whose question it answers
ALTER TABLE turns ADD COLUMN continued_by uuid; -- the turn that answers its question
ALTER TABLE turns ADD COLUMN state_at timestamptz; -- since when it is as it is, where neither its beginning nor its end says so
CREATE INDEX turns_of_task ON turns (tenant_id, task_id) WHERE task_id IS NOT NULL;
-- Those that stand for their tasks, the newest state first.
CREATE INDEX turns_by_user ON turns (tenant_id, user_id, greatest(state_at, finished_at, created_at), id)
    WHERE continued_by IS NULL;

-- What a client calls a conversation of its user's: contexts are the client's to name.
CREATE TABLE contexts (
    tenant_id       text NOT NULL,
    user_id         text NOT NULL,
    name            text NOT NULL,
    conversation_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, user_id, name),
    UNIQUE (tenant_id, user_id, conversation_id),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX contexts_of_conversation ON contexts (tenant_id, conversation_id);
ALTER TABLE contexts ENABLE ROW LEVEL SECURITY;
ALTER TABLE contexts FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON contexts USING (tenant_id = current_setting('app.tenant', true));
