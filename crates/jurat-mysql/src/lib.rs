//! The MySQL and MariaDB front-end and upstream.

pub mod catalog;
