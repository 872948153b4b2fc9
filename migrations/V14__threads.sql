-- Where a chat of a client goes on that does not know our conversations: by a word of the client's own for it, or by
-- what was said in it so far. Both are kept as a hash, for the user whose chat it is.

CREATE TABLE threads (
    tenant_id       text NOT NULL,
    user_id         text NOT NULL,
    head            bytea NOT NULL,       -- of the word, or of what the user has said so far
    conversation_id uuid NOT NULL,
    turn_id         uuid NOT NULL,        -- of what was said last under this head
    seq             bigint NOT NULL,      -- and its message's
    at              timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, user_id, head, conversation_id),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) ON DELETE CASCADE
);
-- Which of a conversation's heads is the last one.
CREATE INDEX threads_of_conversation ON threads (tenant_id, conversation_id, at);
ALTER TABLE threads ENABLE ROW LEVEL SECURITY;
ALTER TABLE threads FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON threads USING (tenant_id = current_setting('app.tenant', true));
