//! Room for deep trees.
//!
//! `a + a + a + …` parses to a tree as deep as it is long, and printing, comparing, cloning or dropping
//! such a tree recurses once per level. Everything that touches a tree therefore runs here.

/// Bytes that one level of the deepest recursion may take, with a wide margin for debug builds. Optimized code
/// has smaller frames: tests/it/deep.rs passes with a third of this in a release build.
const LEVEL_BYTES: usize = if cfg!(debug_assertions) { 12 * 1024 } else { 6 * 1024 };
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

/// Up to how much one stack is made for all steps of a reading.
const SHARED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Runs all steps of a reading, of which the first needs `bytes`, on one stack.
///
/// A new stack costs system calls and page faults. Without this each step that lacks room would make its
/// own: parsing, walking, printing, parsing again, comparing, dropping. A step that needs more than twice
/// as much still makes one.
pub(crate) fn with_shared_stack<R>(bytes: usize, work: impl FnOnce() -> R) -> R {
    if bytes > SHARED_BYTES_MAX {
        return work();
    }
    stacker::maybe_grow(bytes, bytes.saturating_mul(2), work)
}

/// Runs `work` with at least `bytes` of stack left.
pub(crate) fn with_stack<R>(bytes: usize, work: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(bytes, bytes, work)
}
