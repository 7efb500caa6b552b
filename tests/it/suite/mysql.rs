//! The same promises and threats over MySQL's protocol, on a MariaDB or a MySQL. What differs from PostgreSQL, and
//! why, is in docs/mysql.md.

mod approvals;
mod basics;
mod builtins;
mod catalogue;
mod chatter;
mod deny;
mod drivers;
mod guard;
mod login;
mod mask;
mod masks;
mod misread;
mod names;
mod prepared;
mod record;
mod rows;
mod several;
mod wire;
