#!/usr/bin/env bash
# Every family of psql's backslash commands, and what tab completion would ask.
set -euo pipefail
psql -X -q >/dev/null 2>&1 <<'END'
\d
\d+
\dS
\d customers
\d+ customers
\d orders
\d+ orders
\d contact
\d+ contact
\d notes_id_seq
\d orders_pkey
\d archive.customers
\d "Customers Quoted"
\d pg_class
\da
\dA
\dA+
\dAc
\dAf
\dAo
\dAp
\db
\db+
\dc
\dC
\dconfig
\dconfig *
\dd
\ddp
\dD
\des
\det
\deu
\dew
\df
\df+
\df first_email
\dfS lower
\dF
\dF+
\dFd
\dFp
\dFt
\dg
\dg+
\di
\di+
\dl
\dL
\dm
\dm+
\dn
\dn+
\dO
\do
\do+ =
\dp
\dp customers
\dP
\dP+
\drds
\dRp
\dRp+
\dRs
\drg
\ds
\ds+
\dt
\dt+
\dt *.*
\dt archive.*
\dT
\dT+
\du
\du+
\dv
\dv+
\dx
\dx+
\dX
\dy
\l
\l+
\sf first_email
\sv contact
\z
\z orders
\lo_list
\encoding
\conninfo
SELECT 1 AS one, 'x' AS two \gdesc
SELECT id, note FROM orders WHERE id < 5 \crosstabview id note id
\copy notes (body) TO '/dev/null' CSV
\copy (SELECT id, body FROM notes) TO '/dev/null'
\set ECHO_HIDDEN on
BEGIN;
SAVEPOINT a;
ROLLBACK TO a;
RELEASE a;
COMMIT;
\set FETCH_COUNT 10
SELECT * FROM orders;
END
