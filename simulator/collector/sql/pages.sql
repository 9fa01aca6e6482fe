-- PV and UV of [:begin, :end) for each page; opens and new users belong to no page.
SELECT page AS cell, count(*) AS pv, count(DISTINCT user) AS uv, NULL AS opens, NULL AS new_users
FROM tally
WHERE at >= :begin AND at < :end AND viewed
GROUP BY cell
ORDER BY cell
