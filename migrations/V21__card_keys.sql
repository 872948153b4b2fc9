-- Keys that an agent's card has to be signed with: a JWK Set, or nothing.
ALTER TABLE agents ADD COLUMN card_keys jsonb;
