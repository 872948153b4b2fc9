SELECT registry_version FROM tenants WHERE id = $1
