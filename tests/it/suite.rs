//! One module a promise or a threat.

mod bad_input;
mod bad_policy;
mod basics;
mod copy;
mod deny;
mod drivers;
mod faults;
mod function_call;
mod login;
mod mask;
mod misread;
mod names;
mod pipeline;
mod psql;
mod record;
mod reload;
