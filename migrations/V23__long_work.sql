-- Work of agents that goes on when its turn is answered: its call stays open as `working`, and what it comes to is a
-- message of its own. What was true before holds under the wider check, so no row is looked at.
ALTER TABLE turns DROP CONSTRAINT turns_state_check;
ALTER TABLE turns ADD CONSTRAINT turns_state_check
    CHECK (state IN ('running', 'completed', 'failed', 'canceled', 'input_required', 'working')) NOT VALID;

ALTER TABLE open_calls ADD COLUMN until_at timestamptz; -- when the time of its agent's work is over
ALTER TABLE open_calls ADD COLUMN question text;        -- what its agent asks

-- The agent whose reply came later than its turn's answer.
ALTER TABLE messages ADD COLUMN agent_id text;
