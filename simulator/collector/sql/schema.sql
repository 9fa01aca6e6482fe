-- The file of the embedded collector. Nothing in it depends on a definition: those are applied when counting.

CREATE TABLE event (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of arrival; never given twice, also after a reset
    received     INTEGER NOT NULL,                   -- ms since 1970-01-01T00:00Z
    at           INTEGER NOT NULL,                   -- the event's date, or its arrival without one; ms as above
    name         TEXT NOT NULL,                      -- field `event`
    sameness     TEXT UNIQUE,                        -- what a duplicate repeats: the first stored wins
    anonymous_id TEXT,                               -- names the device
    openid       TEXT,                               -- the event's own applet-wechat value
    identities   TEXT,                               -- JSON [[type, value], …] as sent; NULL: anonymous
    source       TEXT NOT NULL,
    content      TEXT NOT NULL,
    page         TEXT,                               -- route of a view; NULL for other events
    fields       TEXT NOT NULL,                      -- JSON object
    request      TEXT NOT NULL                       -- method and target, as evidence
);

CREATE TABLE bad_event (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    received INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    fields   TEXT NOT NULL,
    request  TEXT NOT NULL
);

CREATE TABLE source_link (
    code TEXT PRIMARY KEY,
    url  TEXT NOT NULL
);

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
