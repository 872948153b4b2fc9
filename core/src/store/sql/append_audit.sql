WITH head AS (
    INSERT INTO audit_heads (tenant_id, seq, hash)
    VALUES ($1, 1, sha256(int8send(0) || int8send(8) || int8send(1) || $7::bytea))
    ON CONFLICT (tenant_id) DO UPDATE
    SET seq = audit_heads.seq + 1,
        hash = sha256(int8send(octet_length(audit_heads.hash)) || audit_heads.hash || int8send(8)
                      || int8send(audit_heads.seq + 1) || $7::bytea)
    RETURNING seq, hash
)
INSERT INTO audit (tenant_id, seq, at, actor, action, subject, detail, hash)
SELECT $1, head.seq, $2, $3, $4, $5, $6, head.hash FROM head
