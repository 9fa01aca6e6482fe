-- What each stored event adds to the four numbers, whatever the period: one row an event, from which cells.sql sums.
-- The two gaps below are filled with the files of the definitions in force.
WITH
person AS (
{person}
),
opening AS (
{opening}
),
said AS (
    SELECT id, at, source, content, page, user,
           name IN ('mini_program_view', 'open_page') AS viewed,
           -- Nothing but these three makes a user.
           name IN ('mini_program_open', 'mini_program_view', 'open_page') AND user IS NOT NULL AS visited,
           id IN opening AS opened
    FROM event NOT INDEXED LEFT JOIN person ON person.event = event.id
)
INSERT INTO tally (id, source, content, hour, day, page, at, user, viewed, visited, opened, debut)
SELECT id,
       CASE source WHEN '' THEN '(none)' ELSE source END,
       CASE content WHEN '' THEN '(none)' ELSE content END,
       hour, day,
       CASE page WHEN '' THEN '(none)' ELSE page END,
       at, user, viewed, visited, opened,
       -- A user's first visit of all that are stored, not of the period.
       visited AND row_number() OVER (PARTITION BY visited, user ORDER BY at, id) = 1
FROM said JOIN calendar ON calendar.quarter = said.at / 900000
