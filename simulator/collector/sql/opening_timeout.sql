-- opens = timeout=T: in the (date, arrival) order of a device, its first event, each mini_program_open, and each event
-- more than :timeout ms after the one before it (exactly :timeout does not). Every stored event counts for the gaps.
-- Assumed: an event without anonymousId is of no known device, so only its mini_program_open begins an open.
SELECT id AS event
FROM (
    SELECT id, name, anonymous_id, at,
           lag(at) OVER (PARTITION BY anonymous_id ORDER BY at, id) AS previous
    FROM event
)
WHERE name = 'mini_program_open'
   OR (anonymous_id IS NOT NULL AND (previous IS NULL OR at - previous > :timeout))
