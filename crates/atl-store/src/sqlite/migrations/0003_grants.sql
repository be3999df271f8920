-- Access tokens and who gave them to which consumer. `sealed` holds the token, its secret and its session handle.
CREATE TABLE grants (
    number             INTEGER PRIMARY KEY,
    id                 TEXT    NOT NULL UNIQUE,
    consumer           TEXT    NOT NULL,
    consumer_key       TEXT    NOT NULL,
    server             TEXT    NOT NULL,
    server_url         TEXT    NOT NULL,
    user               TEXT    NOT NULL,
    created            TEXT    NOT NULL,
    issued             TEXT    NOT NULL,
    expires_in         INTEGER,
    session_expires_in INTEGER,
    renewable          INTEGER NOT NULL CHECK (renewable IN (0, 1)),
    state              TEXT    NOT NULL CHECK (state IN ('active', 'expired', 'rejected', 'unknown')),
    checked            TEXT,
    note               TEXT,
    sealed             BLOB    NOT NULL
) STRICT;
