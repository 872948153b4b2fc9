INSERT INTO revocations (tenant_id, id, kind, subject, at, until)
VALUES ($1, $2, $3, $4, clock_timestamp(), $5)
