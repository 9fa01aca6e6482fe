-- Scratch tables of one reading connection.
CREATE TEMP TABLE calendar (
    quarter INTEGER PRIMARY KEY,  -- quarter hours since 1970; no zone changes its offset inside one
    hour    TEXT NOT NULL,        -- 2026-03-01T09:00+08:00, in the zone of the day
    day     TEXT NOT NULL         -- 2026-03-01
);

CREATE TEMP TABLE tally (
    id      INTEGER PRIMARY KEY,
    source  TEXT NOT NULL,
    content TEXT NOT NULL,
    hour    TEXT NOT NULL,
    day     TEXT NOT NULL,
    page    TEXT,              -- of views only
    at      INTEGER NOT NULL,
    user    TEXT,              -- NULL: nobody
    viewed  INTEGER NOT NULL,  -- 1: a page view
    visited INTEGER NOT NULL,  -- 1: makes its user count
    opened  INTEGER NOT NULL,  -- 1: begins an open
    debut   INTEGER NOT NULL   -- 1: the first visit ever of its user
);

CREATE TEMP TABLE customer_of (
    identities TEXT PRIMARY KEY,  -- as in event
    customer   TEXT NOT NULL
);
