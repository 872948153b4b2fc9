UPDATE tenants SET registry_version = registry_version + 1 WHERE id = $1 RETURNING registry_version
