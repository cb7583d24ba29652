-- Who holds which shard's lock: psql "$PG_CONN_STR" -f locks.sql
--
-- What Terraform shows as "Lock Info" is the run that was refused. The holder is the session that
-- has the advisory lock of the state's row; its name is what the run had in PGAPPNAME. A lock ends
-- with its session. That of a run whose machine is lost: SELECT pg_terminate_backend(<pid>)
SELECT s.name AS shard, a.application_name AS holder, a.client_addr, a.backend_start, a.pid
FROM kustom_shops.states s
JOIN pg_locks l ON l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND (l.classid::bigint << 32) + l.objid::bigint = s.id
JOIN pg_stat_activity a ON a.pid = l.pid AND a.datname = current_database()
ORDER BY s.name;
