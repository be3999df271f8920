-- When a server last accepted a call signed with the registered key. NULL: not known.
ALTER TABLE registrations ADD COLUMN proven TEXT;

-- Recovery asks for the steps that a kill left open, however long the journal is.
CREATE INDEX journal_open ON journal (id) WHERE finished IS NULL;
