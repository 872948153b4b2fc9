INSERT INTO sessions (tenant_id, id, secret_hash, login_hash, user_id, name, provider, subject_hash, provider_hash, subject,
                      roles, groups, tier, refresh_token, client, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
ON CONFLICT (tenant_id, login_hash) DO NOTHING
