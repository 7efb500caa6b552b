//! Promise: every driver works through Jurat as if Jurat were not there. As for PostgreSQL (`suite/drivers.rs`), one
//! program for each driver runs twice: directly, and through Jurat with the policies that ship.

