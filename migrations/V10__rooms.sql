-- When Switchboard answers in a conversation of several people.
ALTER TABLE conversations ADD COLUMN speaks text NOT NULL DEFAULT 'when_asked'
    CHECK (speaks IN ('always', 'when_asked'));
