-- What was exported from the database of a server and brought here as a file; one of each server.
CREATE TABLE imports (
    server_url TEXT    NOT NULL PRIMARY KEY,
    server     TEXT    NOT NULL,
    product    TEXT    NOT NULL,
    file       TEXT    NOT NULL,
    exported   TEXT,
    imported   TEXT    NOT NULL,
    rows       INTEGER NOT NULL
) STRICT;

-- Its rows, some thousands a pack: a line of text each, deflated. Whoever looks at a store copies it into memory, where a
-- million rows by themselves would not go. Nothing is looked up among them.
CREATE TABLE imported_grants (
    server_url TEXT    NOT NULL,
    number     INTEGER NOT NULL,
    pack       BLOB    NOT NULL,
    PRIMARY KEY (server_url, number)
) STRICT;

-- Audits, each with a number, and their rows: a row is there from the audit that first had it until the one that did not.
CREATE TABLE audits (
    number INTEGER PRIMARY KEY,
    made   TEXT    NOT NULL,
    rows   INTEGER NOT NULL
) STRICT;

CREATE TABLE audit_rows (
    kind  TEXT    NOT NULL CHECK (kind IN ('finding', 'grant')),
    key   TEXT    NOT NULL,
    first INTEGER NOT NULL,
    gone  INTEGER,
    body  TEXT    NOT NULL,
    PRIMARY KEY (kind, key, first)
) STRICT, WITHOUT ROWID;
