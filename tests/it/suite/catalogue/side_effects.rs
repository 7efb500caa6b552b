//! SIDE: what a statement does besides reading rows.

use super::{Attack, acts, fails, leaks};

#[tokio::test]
async fn side_what_a_statement_does_besides() {
    super::every(SIDE).await;
}

pub(super) const SIDE: &[Attack] = &[
    acts("SIDE-01", &["SELECT pg_read_file('PG_VERSION')"]),
    acts("SIDE-01", &["SELECT pg_read_binary_file('PG_VERSION')"]),
    acts("SIDE-01", &["SELECT pg_ls_dir('.')"]),
    acts("SIDE-01", &["SELECT * FROM pg_ls_logdir()"]),
    acts("SIDE-01", &["SELECT pg_stat_file('PG_VERSION')"]),
    acts("SIDE-01", &["SELECT lo_import('/etc/hostname')"]),
    fails("SIDE-01", &["SELECT pg_file_write('x', 'y', false)"]),
    acts("SIDE-01", &["COPY notes (body) FROM '/etc/hostname'"]),
    acts("SIDE-01", &["COPY (SELECT 1) TO '/tmp/jurat-e2e-copy'"]),
    acts("SIDE-02", &["COPY (SELECT 1) TO PROGRAM 'cat >/dev/null'"]),
    acts("SIDE-02", &["COPY notes (body) FROM\nPROGRAM 'echo x'"]),
    acts("SIDE-02", &["COPY notes (body) FROM/* */PROGRAM 'echo x'"]),
    acts("SIDE-02", &["SELECT 1; COPY notes (body) FROM PROGRAM 'echo x'"]),
    fails("SIDE-03", &["SELECT dblink_connect('host=169.254.169.254')"]),
    fails("SIDE-03", &["CREATE SERVER s FOREIGN DATA WRAPPER none"]),
    fails("SIDE-03", &["CREATE USER MAPPING FOR app SERVER none OPTIONS (password 'x')"]),
    fails("SIDE-03", &["IMPORT FOREIGN SCHEMA public FROM SERVER none INTO public"]),
    fails("SIDE-03", &["CREATE SUBSCRIPTION s CONNECTION 'host=169.254.169.254' PUBLICATION p"]),
    acts("SIDE-04", &["CREATE EXTENSION IF NOT EXISTS plpgsql"]),
    fails("SIDE-04", &["LOAD 'none'"]),
    fails("SIDE-04", &["CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'none'"]),
    acts("SIDE-04", &["CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"]),
    acts("SIDE-04", &["CREATE CAST (mood AS boxed) WITH INOUT"]),
    acts(
        "SIDE-04",
        &["CREATE OPERATOR >>>> (LEFTARG = text, RIGHTARG = text, FUNCTION = compares)"],
    ),
    acts("SIDE-04", &["CREATE AGGREGATE joined (text) (SFUNC = textcat, STYPE = text)"]),
    fails("SIDE-04", &["ALTER SYSTEM SET archive_command = 'none'"]),
    acts("SIDE-04", &["ALTER ROLE app SET row_security = off"]),
    fails("SIDE-04", &["ALTER DATABASE none SET row_security = off"]),
    acts("SIDE-05", &["SET ROLE postgres"]),
    acts("SIDE-05", &["SET LOCAL ROLE postgres"]),
    acts("SIDE-05", &["SET SESSION AUTHORIZATION postgres"]),
    acts("SIDE-05", &["SELECT set_config('role', 'postgres', false)"]),
    acts("SIDE-05", &["SELECT set_config('session_authorization', 'postgres', false)"]),
    acts(
        "SIDE-05",
        &[
            "SELECT count(*) FROM orders WHERE length(set_config('ro' || 'le', 'postgres', false)) > 0",
        ],
    ),
    acts("SIDE-05", &["SET \"role\" = 'postgres'"]),
    acts("SIDE-05", &["SET row_security = off"]),
    acts("SIDE-05", &["SET session_replication_role = replica"]),
    acts("SIDE-06", &["DO $$ BEGIN EXECUTE 'DR' || 'OP TABLE numbers'; END $$"]),
    acts("SIDE-06", &["CALL wipe_notes()"]),
    acts("SIDE-06", &["CREATE RULE r AS ON INSERT TO notes DO ALSO DELETE FROM payments"]),
    acts(
        "SIDE-06",
        &["CREATE TRIGGER t BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION changed()"],
    ),
    acts("SIDE-06", &["CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'"]),
    acts(
        "SIDE-07",
        &["SELECT setval('notes_id_seq', (SELECT length(email) FROM customers WHERE id = 1))"],
    ),
    acts("SIDE-07", &["SELECT pg_terminate_backend(0)"]),
    acts("SIDE-07", &["SELECT pg_cancel_backend(0)"]),
    acts("SIDE-07", &["SELECT pg_switch_wal()"]),
    acts("SIDE-07", &["SELECT pg_logical_emit_message(false, 'x', email) FROM customers"]),
    acts("SIDE-07", &["SELECT pg_export_snapshot()"]),
    acts("SIDE-07", &["SELECT lo_unlink(lo_create(0))"]),
    fails("SIDE-07", &["SELECT pg_create_logical_replication_slot('s', 'none')"]),
    fails("SIDE-07", &["SELECT pg_logical_slot_get_changes('none', NULL, NULL)"]),
    leaks(
        "SIDE-08",
        &[
            "WITH d AS (DELETE FROM members WHERE id = (SELECT min(id) FROM members) RETURNING *) SELECT max(ssn) FROM d",
        ],
    ),
    leaks(
        "SIDE-08",
        &[
            "WITH d AS (DELETE FROM members WHERE id = (SELECT min(id) FROM members) RETURNING ssn) \
           INSERT INTO notes (body) SELECT ssn FROM d RETURNING body",
        ],
    ),
    leaks(
        "SIDE-08",
        &[
            "COPY (DELETE FROM members WHERE id = (SELECT min(id) FROM members) RETURNING ssn) TO STDOUT",
        ],
    ),
    acts("SIDE-08", &["WITH d AS (DELETE FROM payments RETURNING *) SELECT count(*) FROM d"]),
    acts(
        "SIDE-08",
        &["EXPLAIN ANALYZE WITH d AS (DELETE FROM payments RETURNING *) SELECT count(*) FROM d"],
    ),
    fails("SIDE-09", &["PREPARE TRANSACTION 'x'"]),
    acts("SIDE-09", &["ALTER TABLE payments ADD COLUMN x int"]),
    acts("SIDE-09", &["TRUNCATE payments"]),
];
