-- The second fence holds for the tables' owner as well, and what is due is found by one index for all tenants instead of
-- by a look into each.

ALTER TABLE users         FORCE ROW LEVEL SECURITY;
ALTER TABLE conversations FORCE ROW LEVEL SECURITY;
ALTER TABLE members       FORCE ROW LEVEL SECURITY;
ALTER TABLE messages      FORCE ROW LEVEL SECURITY;
ALTER TABLE events        FORCE ROW LEVEL SECURITY;
ALTER TABLE turns         FORCE ROW LEVEL SECURITY;
ALTER TABLE calls         FORCE ROW LEVEL SECURITY;
ALTER TABLE agents        FORCE ROW LEVEL SECURITY;
ALTER TABLE idempotency   FORCE ROW LEVEL SECURITY;
ALTER TABLE audit         FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_heads   FORCE ROW LEVEL SECURITY;
ALTER TABLE usage         FORCE ROW LEVEL SECURITY;
ALTER TABLE decisions     FORCE ROW LEVEL SECURITY;
ALTER TABLE feedback      FORCE ROW LEVEL SECURITY;
ALTER TABLE suggestions   FORCE ROW LEVEL SECURITY;
ALTER TABLE frozen        FORCE ROW LEVEL SECURITY;
ALTER TABLE nobody        FORCE ROW LEVEL SECURITY;
ALTER TABLE stored        FORCE ROW LEVEL SECURITY;

DROP INDEX turns_running;
CREATE INDEX turns_due ON turns (lease_until) WHERE state = 'running';
DROP INDEX events_by_age;
CREATE INDEX events_due ON events (at);
CREATE INDEX idempotency_due ON idempotency (at);
