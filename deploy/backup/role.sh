#!/bin/sh
# The role that backups of a PostgreSQL of your own are made with, once, as its superuser:
#   BACKUP_PASSWORD=… PGHOST=… PGUSER=postgres deploy/backup/role.sh
# It may copy the server and take its log (REPLICATION), which is all the server holds: guard it as you guard the superuser.
# pg_hba.conf must let it in for both, as:
#   hostssl replication,quittance quittance_backup 10.0.0.5/32 scram-sha-256
set -eu
[ -n "${BACKUP_PASSWORD:-}" ] || { echo "BACKUP_PASSWORD is missing" >&2; exit 1; }
export PGUSER="${PGUSER:-postgres}"
export BACKUP_PASSWORD
psql -X -q -v ON_ERROR_STOP=1 -d postgres <<'SQL'
\getenv password BACKUP_PASSWORD
SELECT 'CREATE ROLE quittance_backup' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'quittance_backup') \gexec
ALTER ROLE quittance_backup LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 8
    PASSWORD :'password';
SQL
