//! The Merkle tree of RFC 6962 section 2.1, kept as the right edge of its tiles.
//!
//! Whatever the size of the log, the tree in memory is at most 255 hashes a level, and eight levels
//! hold every record that a 64-bit sequence number can count.

use ring::digest;

/// A SHA-256 hash.
pub(crate) type Hash = [u8; 32];

/// How many hashes a full tile holds (C2SP tlog-tiles).
pub(crate) const TILE_WIDTH: usize = 256;

/// A Merkle tree that can only grow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    size: u64,
    /// On level L, the roots of the complete subtrees of 256^L leaves that are not yet part of a full
    /// tile; always fewer than [`TILE_WIDTH`].
    levels: Vec<Vec<Hash>>,
}

/// A tile: consecutive hashes of one level.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Tile {
    pub(crate) level: u8,
    pub(crate) index: u64,
    pub(crate) hashes: Vec<Hash>,
}

impl Tree {
    /// Puts a tree together from the tiles on its right edge, given by `read(level, index, width)`.
    ///
    /// The result is only as true as the tiles: compare [`Tree::root`] with a signed one.
    pub(crate) fn from_edge<E>(
        size: u64,
        mut read: impl FnMut(u8, u64, usize) -> Result<Vec<Hash>, E>,
    ) -> Result<Self, E> {
        let mut levels = Vec::new();
        for (level, index, width) in edge(size) {
            levels.push(if width == 0 { Vec::new() } else { read(level, index, width)? });
        }
        Ok(Self { size, levels })
    }

    /// How many leaves the tree has.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf; each tile that it completes goes to `full`, lower levels first.
    pub(crate) fn push(&mut self, leaf: Hash, mut full: impl FnMut(Tile)) {
        self.size += 1;
        let mut hash = leaf;
        let mut level = 0;
        let mut subtrees = self.size;
        loop {
            if self.levels.len() <= usize::from(level) {
                self.levels.push(Vec::new());
            }
            let Some(edge) = self.levels.get_mut(usize::from(level)) else { return };
            edge.push(hash);
            if edge.len() < TILE_WIDTH {
                return;
            }
            let hashes = std::mem::take(edge);
            hash = perfect_root(&hashes);
            subtrees /= 256;
            full(Tile { level, index: subtrees.saturating_sub(1), hashes });
            level += 1;
        }
    }

    /// The tiles on the right edge that are not full.
    pub(crate) fn partial_tiles(&self) -> impl Iterator<Item = Tile> + '_ {
        edge(self.size)
            .zip(&self.levels)
            .filter(|(_, hashes)| !hashes.is_empty())
            .map(|((level, index, _), hashes)| Tile { level, index, hashes: hashes.clone() })
    }

    /// The Merkle tree hash over all leaves.
    pub(crate) fn root(&self) -> Hash {
        let mut perfect = Vec::new();
        for hashes in self.levels.iter().rev() {
            let mut rest = hashes.as_slice();
            while let Some(exponent) = rest.len().checked_ilog2() {
                let Some((head, tail)) = rest.split_at_checked(1 << exponent) else { break };
                perfect.push(perfect_root(head));
                rest = tail;
            }
        }
        perfect
            .into_iter()
            .rev()
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(empty_root)
    }
}

/// For each level of a tree of `size` leaves: the level, the index of its last tile, and how many
/// hashes that tile holds (0 where it would be empty).
pub(crate) fn edge(size: u64) -> impl Iterator<Item = (u8, u64, usize)> {
    let mut subtrees = size;
    (0..8).map_while(move |level| {
        if subtrees == 0 {
            return None;
        }
        let width = usize::from(u8::try_from(subtrees % 256).unwrap_or_default());
        let item = (level, subtrees / 256, width);
        subtrees /= 256;
        Some(item)
    })
}

/// The hash of a leaf: `SHA-256(0x00 || bytes)`.
pub(crate) fn leaf_hash(bytes: &[u8]) -> Hash {
    sha256(&[&[0], bytes])
}

/// The hash of two subtrees: `SHA-256(0x01 || left || right)`.
fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The root of a tree without leaves: the hash of nothing.
fn empty_root() -> Hash {
    sha256(&[])
}

/// The root over a power of two of subtrees.
fn perfect_root(hashes: &[Hash]) -> Hash {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        level = level
            .chunks_exact(2)
            .filter_map(|pair| match pair {
                [left, right] => Some(node_hash(left, right)),
                _ => None,
            })
            .collect();
    }
    level.first().copied().unwrap_or_else(empty_root)
}

/// SHA-256 over the parts in order.
pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    for (byte, digest) in hash.iter_mut().zip(context.finish().as_ref()) {
        *byte = *digest;
    }
    hash
}

#[cfg(test)]
mod tests;
