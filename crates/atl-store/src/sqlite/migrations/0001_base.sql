-- Times are RFC 3339 in UTC with nine decimals, so that they sort as text.

-- What the store says about its key: `kdf` and `key_check`. Read before the key is known, in every schema version.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE keypairs (
    number      INTEGER PRIMARY KEY,
    fingerprint TEXT    NOT NULL UNIQUE,
    consumer    TEXT    NOT NULL,
    bits        INTEGER NOT NULL,
    public_key  TEXT    NOT NULL,
    sealed      BLOB    NOT NULL,
    created     TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('active', 'pending', 'retired'))
) STRICT;

CREATE TABLE registrations (
    consumer     TEXT NOT NULL,
    server_url   TEXT NOT NULL,
    server       TEXT NOT NULL,
    consumer_key TEXT NOT NULL,
    link_id      TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    PRIMARY KEY (consumer, server_url)
) STRICT;

CREATE TABLE links (
    number          INTEGER PRIMARY KEY,
    server_url      TEXT NOT NULL,
    link_id         TEXT NOT NULL,
    server          TEXT NOT NULL,
    application_url TEXT NOT NULL,
    consumer        TEXT NOT NULL,
    consumer_key    TEXT NOT NULL,
    created         TEXT NOT NULL,
    UNIQUE (server_url, link_id)
) STRICT;

-- AUTOINCREMENT: the number of a step is never used again.
CREATE TABLE journal (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    started    TEXT NOT NULL,
    finished   TEXT,
    run        TEXT NOT NULL,
    command    TEXT NOT NULL,
    action     TEXT NOT NULL,
    server     TEXT NOT NULL,
    server_url TEXT NOT NULL,
    consumer   TEXT,
    detail     TEXT NOT NULL,
    os_user    TEXT NOT NULL,
    host       TEXT NOT NULL,
    account    TEXT,
    outcome    TEXT CHECK (outcome IN ('done', 'failed', 'unknown')),
    message    TEXT
) STRICT;
