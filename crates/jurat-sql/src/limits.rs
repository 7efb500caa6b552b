//! How much of a text is read at all.

/// Bounds that hold before anything is parsed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReadLimits {
    /// Bytes of the whole text.
    pub bytes_max: usize,
    /// Tokens of the whole text, blanks and comments left out.
    pub tokens_max: usize,
    /// Statements in the text.
    pub statements_max: usize,
    /// Brackets, CASE expressions and other constructs that are open at the same time.
    pub nesting_max: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { bytes_max: 1 << 20, tokens_max: 20_000, statements_max: 100, nesting_max: 100 }
    }
}

impl ReadLimits {
    /// Limits for texts that we print ourselves: qualified names make them longer.
    pub(crate) const fn widened(&self) -> Self {
        Self {
            bytes_max: self.bytes_max.saturating_mul(4),
            tokens_max: self.tokens_max.saturating_mul(4),
            statements_max: 1,
            nesting_max: self.nesting_max.saturating_mul(2),
        }
    }
}
