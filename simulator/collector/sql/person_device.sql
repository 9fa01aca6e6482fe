-- user = device: the anonymousId. An event without one makes no user.
SELECT id AS event, ':' || anonymous_id AS user
FROM event
WHERE anonymous_id IS NOT NULL
