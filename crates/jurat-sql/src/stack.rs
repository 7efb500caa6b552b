//! Room for deep trees.
//!
//! `a + a + a + …` parses to a tree as deep as it is long, and printing, comparing, cloning or dropping
//! such a tree recurses once per level. Everything that touches a tree therefore runs here.

/// Bytes that one level of the deepest recursion may take, with a wide margin for debug builds.
const LEVEL_BYTES: usize = 12 * 1024;
/// Bytes that one open bracket may take: the parser's own recursion is the costliest.
const NESTING_BYTES: usize = 96 * 1024;
/// Bytes that are needed in any case.
const BASE_BYTES: usize = 256 * 1024;

/// How much stack a tree of `tokens` tokens and `nesting` open brackets can need, in bytes.
pub(crate) const fn bytes_for(tokens: usize, nesting: usize) -> usize {
    BASE_BYTES
        .saturating_add(tokens.saturating_mul(LEVEL_BYTES))
        .saturating_add(nesting.saturating_mul(NESTING_BYTES))
}

/// Runs `work` with at least `bytes` of stack left.
pub(crate) fn with_stack<R>(bytes: usize, work: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(bytes, bytes, work)
}
