-- A core's lease stands once, for all of its turns, instead of in each of them: a turn is due when its core has none.

CREATE TABLE cores (
    id          uuid PRIMARY KEY,     -- its process, as turns.lease_owner names it
    alive_until timestamptz NOT NULL  -- its lease
) WITH (fillfactor = 50);

-- Of turns of the version before alone; nobody sets it any more, and a later release takes it away.
ALTER TABLE turns ALTER COLUMN lease_until DROP NOT NULL;
DROP INDEX turns_due;
CREATE INDEX turns_running ON turns (lease_owner) INCLUDE (tenant_id) WHERE state = 'running';
