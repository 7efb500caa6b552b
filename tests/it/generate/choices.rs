//! A list of choices from which a text is made: the same list makes the same text, and a list that ends early
//! or holds zeros makes a simpler one. That is all a minimizer needs to know.

/// Choices, taken one after the other; behind their end every choice is the simplest one.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    bytes: Vec<u8>,
    at: usize,
}

impl Choices {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), at: 0 }
    }

    /// A number below `count`; 0 is the simplest choice.
    pub(crate) fn pick(&mut self, count: usize) -> usize {
        let two = [0, 1].map(|next| self.bytes.get(self.at + next).copied().unwrap_or_default());
        self.at += 2;
        usize::from(u16::from_be_bytes(two)) % count.max(1)
    }

    /// True in about `percent` of 100 cases; never where the choices have ended.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.pick(100) >= 100 - percent
    }

    /// One of several.
    pub(crate) fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.pick(of.len())]
    }
}

/// The choices of the `n`th text of a run: splitmix64, so that any text of any run can be made again alone.
pub(crate) fn random(seed: u64, n: u64, length: usize) -> Vec<u8> {
    let mut state = seed ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(mixed ^ (mixed >> 31)).to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Simpler lists of choices than this one, the simplest first.
pub(crate) fn simpler(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut lists = Vec::new();
    for divisor in [2, 4, 8, 16] {
        lists.push(bytes[..bytes.len() - bytes.len() / divisor].to_vec());
    }
    for width in [64, 32, 16, 8, 4, 2] {
        for begin in (0..bytes.len()).step_by(width) {
            let end = (begin + width).min(bytes.len());
            if bytes[begin..end].iter().any(|byte| *byte != 0) {
                let mut zeroed = bytes.to_vec();
                zeroed[begin..end].fill(0);
                lists.push(zeroed);
            }
            let without = [&bytes[..begin], &bytes[end..]].concat();
            lists.push(without);
        }
    }
    lists
}

#[test]
fn choices_can_be_repeated_and_end_simply() {
    assert_eq!(random(7, 3, 40), random(7, 3, 40));
    assert_ne!(random(7, 3, 40), random(7, 4, 40));
    let mut none = Choices::new(&[]);
    assert_eq!((none.pick(5), none.chance(99)), (0, false));
    let mut some = Choices::new(&[0, 7, 0xff, 0xff]);
    assert_eq!((some.pick(5), some.pick(10)), (2, 5));
    assert!(simpler(&[1; 64]).iter().all(|list| list.len() <= 64));
}
