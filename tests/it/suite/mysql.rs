//! The same promises and threats over MySQL's protocol, on a MariaDB or a MySQL. What differs from PostgreSQL, and
//! why, is in docs/mysql.md; cases that are the same over both protocols are in
//! `both`, and those that are missing here are in docs/mysql-cases.md.

mod approvals;
mod basics;
mod builtins;
mod catalogue;
mod chatter;
mod deny;
mod drivers;
mod dumps;
mod faults;
mod files;
mod guard;
mod login;
mod mask;
mod misread;
mod names;
mod prepared;
mod record;
mod reload;
mod rights;
mod several;
mod sql_console;
mod statements;
mod temporary;
mod wire;
