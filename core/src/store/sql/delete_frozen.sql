DELETE FROM frozen WHERE tenant_id = $1
