-- Who may use which agent: an agent may be for some of the tenant's own groups. What is here already is everyone's, as it
-- was. A version that does not know these columns goes on writing and reading rows without them, and
-- lets everyone use everything: give agents groups when every core is new.

ALTER TABLE agents ADD COLUMN groups text[] NOT NULL DEFAULT '{}'; -- empty: everyone in the tenant

-- A turn runs later, and perhaps on another core: it goes by what its author was when the message was accepted.
ALTER TABLE turns ADD COLUMN author_groups text[] NOT NULL DEFAULT '{}';
ALTER TABLE turns ADD COLUMN author_is_admin boolean NOT NULL DEFAULT false;
