-- What a small ingest stores, and who each event is of. The target file beside it, postgresql.yaml, asks for the totals.

CREATE TABLE event (
    id           bigserial PRIMARY KEY,        -- the order of arrival
    external_id  text UNIQUE,                  -- a second copy is not stored
    event        text NOT NULL,
    at           timestamptz NOT NULL,         -- the event's own instant
    anonymous_id text NOT NULL,
    openid       text,                         -- the value of applet-wechat, where the event carries one
    identities   jsonb NOT NULL,               -- pairs of type and value, as sent
    source       text NOT NULL DEFAULT '',
    content      text NOT NULL DEFAULT '',
    page         text NOT NULL DEFAULT ''
);

-- A user is the event's own openid, else the nearest earlier one of its device, else its first later one, else the device.
CREATE VIEW visit AS
WITH stretch AS (
    SELECT *, count(openid) OVER (PARTITION BY anonymous_id ORDER BY at, id) AS known FROM event
), named AS (
    SELECT *,
           coalesce(
               max(openid) OVER (PARTITION BY anonymous_id, known),
               max(openid) FILTER (WHERE known = 1) OVER (PARTITION BY anonymous_id),
               'device ' || anonymous_id
           ) AS who
      FROM stretch
)
SELECT *, row_number() OVER (PARTITION BY who ORDER BY at, id) = 1 AS is_first
  FROM named
 WHERE event IN ('mini_program_open', 'mini_program_view');
