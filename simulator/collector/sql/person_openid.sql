-- user = openid: the event's own applet-wechat value, else the nearest earlier one of its anonymousId, else the first
-- later one, else the anonymousId. Earlier and later are by (date, arrival).
--
-- `turn` numbers the stretches of a device that begin with an identified event; 0, the stretch before the first, joins
-- stretch 1. So each stretch holds exactly one openid, or none on a device that never had any.
WITH
device AS (
    SELECT id, anonymous_id, openid,
           max(count(openid) OVER (PARTITION BY anonymous_id ORDER BY at, id), 1) AS turn
    FROM event
    WHERE anonymous_id IS NOT NULL
),
resolved AS (
    SELECT id, anonymous_id, max(openid) OVER (PARTITION BY anonymous_id, turn) AS openid
    FROM device
)
SELECT id AS event,
       CASE WHEN openid IS NOT NULL THEN 'applet-wechat:' || openid ELSE ':' || anonymous_id END AS user
FROM resolved
UNION ALL
SELECT id, 'applet-wechat:' || openid
FROM event
WHERE anonymous_id IS NULL AND openid IS NOT NULL
