DELETE FROM revocations WHERE tenant_id = $1 AND until < now()
