SELECT name, media_type, content FROM files WHERE tenant_id = $1 AND conversation_id = $2 AND id = $3
