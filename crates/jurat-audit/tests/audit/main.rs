//! The log from outside: its bytes, what happens to it when somebody changes them, when the machine
//! stops in the middle, and when the disk says no.

#[cfg(test)]
mod crash;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod following;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod lost_pages;
#[cfg(test)]
mod pairing;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tampering;
