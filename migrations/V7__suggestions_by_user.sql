-- Whose message or word a suggestion came from, so that one user's open ones are bounded. Those of an earlier version are
-- their turn's author's; a version that does not know the column goes on writing rows that are nobody's.
ALTER TABLE suggestions ADD COLUMN user_id text NOT NULL DEFAULT '';
UPDATE suggestions SET user_id = turns.user_id FROM turns
WHERE turns.tenant_id = suggestions.tenant_id AND turns.id = suggestions.turn_id;
CREATE INDEX suggestions_open_by_user ON suggestions (tenant_id, user_id) WHERE state = 'open';
