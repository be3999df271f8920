-- What was exported from the database of a server and brought here as a file; one of each server.
CREATE TABLE imports (
    server_url TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    server     TEXT COLLATE "C" NOT NULL,
    product    TEXT   NOT NULL,
    file       TEXT   NOT NULL,
    exported   TEXT,
    imported   TEXT   NOT NULL,
    rows       BIGINT NOT NULL
);

-- Its rows, some thousands a pack: a line of text each, deflated. Whoever looks at a store copies it into memory, where a
-- million rows by themselves would not go. Nothing is looked up among them.
CREATE TABLE imported_grants (
    server_url TEXT COLLATE "C" NOT NULL,
    number     BIGINT NOT NULL,
    pack       BYTEA  NOT NULL,
    PRIMARY KEY (server_url, number)
);
