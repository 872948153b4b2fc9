-- How much each user's messages hold, to be bounded, and what retention needs to find and to say.

CREATE TABLE stored (
    tenant_id text NOT NULL REFERENCES tenants (id),
    user_id   text NOT NULL,
    bytes     bigint NOT NULL, -- of the user's messages, with their files and the answers to them
    PRIMARY KEY (tenant_id, user_id)
);
ALTER TABLE stored ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON stored USING (tenant_id = current_setting('app.tenant', true));

ALTER TABLE messages ADD COLUMN bytes bigint; -- of text and files as they are stored; NULL from an older version
UPDATE messages SET bytes = octet_length(body) + octet_length(parts::text);
INSERT INTO stored (tenant_id, user_id, bytes)
SELECT m.tenant_id, t.user_id, sum(m.bytes) FROM messages m
JOIN turns t ON t.tenant_id = m.tenant_id AND t.id = m.turn_id
GROUP BY m.tenant_id, t.user_id;

CREATE INDEX messages_by_turn ON messages (tenant_id, turn_id);
CREATE INDEX turns_by_age ON turns (created_at);
-- Before when this conversation's messages were deleted by the tenant's retention; NULL: never.
ALTER TABLE conversations ADD COLUMN forgotten_before timestamptz;
