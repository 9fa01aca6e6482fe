-- The four numbers of [:begin, :end) in each cell of one kind, a column of tally (or nothing, for all); where they are
-- given, of one source or content alone.
SELECT {cell} AS cell,
       sum(viewed) AS pv,
       count(DISTINCT CASE WHEN visited THEN user END) AS uv,
       sum(opened) AS opens,
       sum(debut) AS new_users
FROM tally
WHERE at >= :begin AND at < :end AND (viewed OR visited OR opened)
  AND (:source IS NULL OR source = :source) AND (:content IS NULL OR content = :content)
GROUP BY cell
ORDER BY cell
