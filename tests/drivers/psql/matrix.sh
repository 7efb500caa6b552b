#!/bin/sh
# psql: what people who type at it expect. The contract is in tests/it/suite/drivers.rs; PSQL is the program to use.
# Its backslash commands are in tests/it/suite/psql.rs.
# shellcheck disable=SC2016 # what looks like a variable is psql's
set -eu

export PGHOST="$MATRIX_HOST" PGPORT="$MATRIX_PORT" PGUSER="$MATRIX_USER" PGPASSWORD="$MATRIX_PASSWORD"
export PGDATABASE="$MATRIX_DATABASE" PGSSLROOTCERT="$MATRIX_CA" LC_ALL=C.UTF-8 PGTZ=UTC
if [ "$MATRIX_TLS" = verify ]; then export PGSSLMODE=verify-full; else export PGSSLMODE=disable; fi
denied='DELETE FROM payments'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

run() { "$PSQL" -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }
is() { [ "$1" = "$2" ] || fail "expected <$1>, found <$2>"; }
has() { case $1 in *"$2"*) ;; *) fail "no <$2> in <$1>" ;; esac; }
notes() { run -c 'SELECT count(*) FROM notes'; }

tls_verifies_the_certificate() {
  PGSSLMODE=verify-full run -c '\conninfo' >"$work/info"
  has "$(cat "$work/info")" SSL
  if told=$(PGSSLMODE=verify-full PGSSLROOTCERT=$MATRIX_FOREIGN_CA run -c 'SELECT 1' 2>&1); then fail 'connected'; fi
  has "$told" 'certificate verify failed'
}

types_in_text() {
  is "1|-9223372036854775808|1.50|naïve 💡|\\x00ff|t||2026-02-28|2026-02-28 12:00:00+00|{1,NULL}|[1,5)|10.0.0.0/8|{\"k\": 1}" \
    "$(run -c "SELECT 1, -9223372036854775808, 1.50::numeric, 'naïve 💡', '\\x00ff'::bytea, true, NULL, DATE '2026-02-28',
      TIMESTAMPTZ '2026-02-28 12:00+00', ARRAY[1, NULL], '[1,5)'::int4range, '10.0.0.0/8'::cidr, '{\"k\": 1}'::jsonb")"
}

prepared_statements() {
  is 'order 3' "$(printf '%s\n' 'PREPARE note (int) AS SELECT note FROM orders WHERE id = $1;' 'EXECUTE note (3);' \
    'DEALLOCATE note;' | run)"
  is 'id|integer' "$(printf '%s\n' 'SELECT id FROM orders \gdesc' | run)"
}

variables_and_results() {
  is "order 5
it's" "$(printf '%s\n' "SELECT 5 AS id, 'it''s' AS said \\gset" 'SELECT note FROM orders WHERE id = :id;' "SELECT :'said';" | run)"
  is '1
2' "$(printf '%s\n' "SELECT format('SELECT %s', n) FROM numbers WHERE n < 3 ORDER BY n \\gexec" | run)"
}

transactions() {
  printf '%s\n' 'BEGIN;' "INSERT INTO notes (body) VALUES ('kept');" 'SAVEPOINT here;' "INSERT INTO notes (body) VALUES ('taken back');" \
    'ROLLBACK TO here;' 'SELECT count(*) FROM notes;' 'ROLLBACK;' | run >"$work/out"
  is 1 "$(cat "$work/out")"
  # psql itself sets a savepoint in front of each statement.
  printf '%s\n' '\set ON_ERROR_ROLLBACK on' '\set ON_ERROR_STOP off' 'BEGIN;' "INSERT INTO notes (body) VALUES ('x');" \
    'SELECT 1 / 0;' 'SELECT count(*) FROM notes;' 'ROLLBACK;' | run >"$work/out" 2>"$work/errors"
  is 1 "$(cat "$work/out")"
  has "$(cat "$work/errors")" 'division by zero'
  run -1 -c "INSERT INTO notes (body) VALUES ('x')" -c 'DELETE FROM notes WHERE id > 0' -c 'SELECT 1' >"$work/out"
  is 0 "$(notes)"
}

copy_in_and_out() {
  printf 'a\tb\n1000\tfirst\n1001\t\\N\n' >"$work/in"
  run -c "\\copy notes (id, body) from '$work/in' with (format text, header)"
  run -c "\\copy (SELECT id, body FROM notes ORDER BY id) to '$work/out' csv"
  is '1000,first
1001,' "$(cat "$work/out")"
  printf '%s\n' 'COPY notes (id) FROM STDIN;' 1002 '\.' 'SELECT count(*) FROM notes;' | run >"$work/out"
  is 3 "$(cat "$work/out")"
  run -c "\\copy orders (id) to '$work/binary' (format binary)"
  run -c 'DELETE FROM notes WHERE id < 2000 AND id > 999'
}

cursors() {
  is 5000 "$(printf '%s\n' '\set FETCH_COUNT 700' 'SELECT n FROM numbers ORDER BY n LIMIT 5000;' | run | wc -l | tr -d ' ')"
  is '1
2' "$(printf '%s\n' 'BEGIN;' 'DECLARE c SCROLL CURSOR FOR SELECT id FROM orders ORDER BY id;' 'FETCH 2 FROM c;' 'CLOSE c;' 'COMMIT;' | run)"
}

cancel() {
  "$PSQL" -X -c 'SELECT pg_sleep(60)' >"$work/out" 2>&1 &
  running=$!
  until [ "$(run -c "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND wait_event = 'PgSleep'")" = 1 ]; do sleep 0.05; done
  # What Ctrl-C sends.
  kill -INT "$running"
  if wait "$running"; then fail 'not canceled'; fi
  has "$(cat "$work/out")" 'canceling statement due to user request'
  if told=$(PGOPTIONS='-c statement_timeout=100ms' run -c 'SELECT pg_sleep(60)' 2>&1); then fail 'not canceled'; fi
  has "$told" 'canceling statement due to statement timeout'
}

notifications() {
  told=$(printf '%s\n' 'LISTEN news;' "NOTIFY news, 'from myself';" 'SELECT 1;' | run)
  has "$told" 'Asynchronous notification "news" with payload "from myself" received'
}

errors_keep_their_class() {
  told=$(printf '%s\n' '\set ON_ERROR_STOP off' 'INSERT INTO orders (id, customer_id, amount) VALUES (1, 1, 1);' '\errverbose' | run 2>&1)
  has "$told" '23505: duplicate key'
  has "$told" 'orders_pkey'
}

denial_when_idle() {
  told=$(printf '%s\n' '\set ON_ERROR_STOP off' '\set VERBOSITY verbose' "$denied;" 'SELECT :SQLSTATE, 1;' | run 2>&1) || true
  case $told in 0*) echo open; return ;; esac
  has "$told" 'ERROR:  42501: jurat denied DELETE on public.payments'
  has "$told" 'DETAIL:  {"decision":"deny"'
  has "$told" 'HINT:  '
  has "$told" '42501|1'
}

denial_in_a_transaction() {
  told=$(printf '%s\n' '\set ON_ERROR_STOP off' 'BEGIN;' "INSERT INTO notes (body) VALUES ('x');" "$denied;" 'SELECT 2;' 'ROLLBACK;' \
    'SELECT count(*) FROM notes;' | run 2>&1)
  if [ "$told" = '2
0' ]; then echo open; return; fi
  has "$told" 'jurat denied DELETE'
  has "$told" 'current transaction is aborted'
  is 0 "$(notes)"
}

# All statements of -c go in one message, which is one transaction.
denial_among_several() {
  if told=$(run -c "INSERT INTO notes (body) VALUES ('x'); $denied; SELECT 1" 2>&1); then
    run -c "DELETE FROM notes WHERE body = 'x'"
    echo open
    return
  fi
  has "$told" 'jurat denied DELETE'
  is 0 "$(notes)"
}

masked_column() {
  email=$(run -c 'SELECT email FROM customers WHERE id = 7')
  if [ "$email" = canary7@leak.example ]; then echo open; return; fi
  case $email in *canary*) fail "$email" ;; *@leak.example) ;; *) fail "$email" ;; esac
}

echo "version $("$PSQL" --version | sed 's/^psql (PostgreSQL) //')"
for name in tls_verifies_the_certificate types_in_text prepared_statements variables_and_results transactions copy_in_and_out \
  cursors cancel notifications errors_keep_their_class denial_when_idle denial_in_a_transaction denial_among_several masked_column; do
  echo "running $name" >&2
  word=$($name)
  echo "${word:-ok} $name"
done
