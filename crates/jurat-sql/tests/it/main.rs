//! What the crate promises, through its public interface only.

#[cfg(test)]
mod deep;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod mold;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod property;
#[cfg(test)]
mod support;
#[cfg(test)]
mod temporary;
