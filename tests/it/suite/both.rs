//! Cases that are the same over both protocols: each is one function, and runs on PostgreSQL and on MySQL or MariaDB.
//! What only one of the protocols has is in the modules around this one, and what is missing over MySQL, with the
//! reason, is in docs/mysql-cases.md.

pub(super) mod approvals;
mod catalog_labels;
mod console;
mod detectors;
mod faults;
mod filters;
mod limits;
mod masks;
mod policies;
mod predicates;
mod reach;
mod reload;
mod replicas;
mod webhooks;
