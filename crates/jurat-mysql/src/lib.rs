//! The MySQL and MariaDB front-end and upstream.
