-- user = customer: the connected component of the event's identities (table customer_of, see customers.py). An event
-- without identities belongs to the nearest earlier identified event of its anonymousId, else to the first later one,
-- else to the anonymousId. The anonymousId itself joins nobody: two customers on one device stay two.
WITH
device AS (
    SELECT id, anonymous_id, identities,
           max(count(identities) OVER (PARTITION BY anonymous_id ORDER BY at, id), 1) AS turn
    FROM event
    WHERE anonymous_id IS NOT NULL
),
resolved AS (
    SELECT id, anonymous_id, max(identities) OVER (PARTITION BY anonymous_id, turn) AS identities
    FROM device
)
SELECT id AS event, coalesce(customer, ':' || anonymous_id) AS user
FROM resolved LEFT JOIN customer_of USING (identities)
UNION ALL
SELECT id, customer
FROM event JOIN customer_of USING (identities)
WHERE anonymous_id IS NULL
