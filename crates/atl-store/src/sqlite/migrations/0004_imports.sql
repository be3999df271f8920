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
