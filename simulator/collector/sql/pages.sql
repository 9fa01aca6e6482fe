-- PV and UV of [:begin, :end) for each page, or of one page in each cell of another kind; opens and new users belong to
-- no page.
SELECT {cell} AS cell, count(*) AS pv, count(DISTINCT user) AS uv, NULL AS opens, NULL AS new_users
FROM tally
WHERE at >= :begin AND at < :end AND viewed
  AND (:source IS NULL OR source = :source) AND (:content IS NULL OR content = :content)
  AND (:page IS NULL OR page = :page)
GROUP BY cell
ORDER BY cell
