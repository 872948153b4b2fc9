-- Of a card the cores need what they read of it, within bounds: that stands in a column of its own, so that a registry
-- is read, and kept in memory, without the cards. A version that does not know these columns goes on reading and writing
-- cards; what it registers anew keeps the profile it had until this version registers it again.

ALTER TABLE agents ADD COLUMN profile jsonb;      -- a card with what is read of it; NULL: the card itself is read
ALTER TABLE agents ADD COLUMN card_bytes integer; -- of the card as it came; NULL: not counted yet
