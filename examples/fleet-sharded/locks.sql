-- Shows which run has the lock of each shard: psql "$PG_CONN_STR" -f locks.sql
--
-- Terraform's "Lock Info" shows the rejected run, and not the run that has the lock. This query shows
-- the session that has the lock, by the PGAPPNAME of its run. A lock ends with its session. If the
-- machine of a run is lost, end its session: SELECT pg_terminate_backend(<pid>)
SELECT s.name AS shard, a.application_name AS holder, a.client_addr, a.backend_start, a.pid
FROM kustom_shops.states s
JOIN pg_locks l ON l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND (l.classid::bigint << 32) + l.objid::bigint = s.id
JOIN pg_stat_activity a ON a.pid = l.pid AND a.datname = current_database()
ORDER BY s.name;
