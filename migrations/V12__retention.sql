-- What retention deletes is found by its tenant: a tenant is one look into an index, however much is old of the others.

CREATE INDEX events_by_age ON events (tenant_id, at);
DROP INDEX events_due;
CREATE INDEX idempotency_by_age ON idempotency (tenant_id, at);
DROP INDEX idempotency_due;
CREATE INDEX turns_by_tenant_and_age ON turns (tenant_id, created_at);
DROP INDEX turns_by_age;
