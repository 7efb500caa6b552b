//! Tiles as files: names as C2SP tlog-tiles gives them, and strict reading.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::tree::{Hash, TILE_WIDTH, Tile};

/// Why a tile could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TileError {
    /// The file is not there.
    #[error("{name} is missing")]
    Missing {
        /// The tile, relative to the log's directory.
        name: String,
    },
    /// The file holds too many or too few hashes.
    #[error("{name} does not hold exactly {expected} hashes")]
    Size {
        /// The tile, relative to the log's directory.
        name: String,
        /// How many hashes it must hold.
        expected: usize,
    },
    /// The file cannot be read.
    #[error("{name} cannot be read")]
    Io {
        /// The tile, relative to the log's directory.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

impl TileError {
    /// The tile, relative to the log's directory.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Missing { name } | Self::Size { name, .. } | Self::Io { name, .. } => name,
        }
    }
}

impl Tile {
    /// The tile's file, relative to the log's directory.
    pub(crate) fn name(&self) -> String {
        name(self.level, self.index, self.hashes.len())
    }

    /// The file's content: the hashes one after the other.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.hashes.concat()
    }
}

/// The name of a tile: `tile/0/x001/x234/067` for a full one, with `.p/17` behind it for one of 17
/// hashes.
pub(crate) fn name(level: u8, index: u64, width: usize) -> String {
    let mut digits = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        digits = format!("x{:03}/{digits}", rest % 1000);
        rest /= 1000;
    }
    if width == TILE_WIDTH {
        format!("tile/{level}/{digits}")
    } else {
        format!("tile/{level}/{digits}.p/{width}")
    }
}

/// Reads the first `width` hashes of a tile.
///
/// A partial tile may already have been replaced by the full one, so that is looked at second.
pub(crate) fn read(dir: &Path, level: u8, index: u64, width: usize) -> Result<Tile, TileError> {
    match read_exact(dir, level, index, width) {
        Err(TileError::Missing { name }) if width < TILE_WIDTH => {
            match read_exact(dir, level, index, TILE_WIDTH) {
                Ok(mut tile) => {
                    tile.hashes.truncate(width);
                    Ok(tile)
                }
                // Both are missing: the name that is told is the one that the size asks for.
                Err(TileError::Missing { .. }) => Err(TileError::Missing { name }),
                Err(error) => Err(error),
            }
        }
        result => result,
    }
}

fn read_exact(dir: &Path, level: u8, index: u64, width: usize) -> Result<Tile, TileError> {
    let name = name(level, index, width);
    let mut bytes = Vec::with_capacity(width * 32);
    // One byte more than can be right is enough to see that a file is too long.
    let read = File::open(dir.join(&name))
        .and_then(|file| file.take(TILE_WIDTH as u64 * 32 + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(TileError::Missing { name });
        }
        Err(source) => return Err(TileError::Io { name, source }),
    }
    let (hashes, rest) = bytes.as_chunks::<32>();
    if hashes.len() != width || !rest.is_empty() {
        return Err(TileError::Size { name, expected: width });
    }
    Ok(Tile { level, index, hashes: hashes.to_vec() })
}

/// The leaf hashes of the first `size` records, read tile by tile.
#[derive(Debug)]
pub(crate) struct Leaves<'a> {
    dir: &'a Path,
    size: u64,
    tile: Option<Tile>,
}

impl<'a> Leaves<'a> {
    /// Reads from the tiles below `dir` for a log of `size` records.
    pub(crate) fn new(dir: &'a Path, size: u64) -> Self {
        Self { dir, size, tile: None }
    }

    /// The leaf hash of a record below the size, and `None` for one that is not.
    pub(crate) fn get(&mut self, seq: u64) -> Result<Option<Hash>, TileError> {
        if seq >= self.size {
            return Ok(None);
        }
        let index = seq / 256;
        if self.tile.as_ref().is_none_or(|tile| tile.index != index) {
            self.tile = Some(read(self.dir, 0, index, self.width(index))?);
        }
        let at = usize::try_from(seq % 256).unwrap_or_default();
        Ok(self.tile.as_ref().and_then(|tile| tile.hashes.get(at)).copied())
    }

    /// The name of the tile that holds a record's leaf hash.
    pub(crate) fn name(&self, seq: u64) -> String {
        name(0, seq / 256, self.width(seq / 256))
    }

    fn width(&self, index: u64) -> usize {
        let hashes = self.size.saturating_sub(index.saturating_mul(256));
        usize::try_from(hashes).map_or(TILE_WIDTH, |hashes| hashes.min(TILE_WIDTH))
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn names_are_those_of_tlog_tiles() {
        for (level, index, width, expected) in [
            (0, 0, 256, "tile/0/000"),
            (0, 0, 17, "tile/0/000.p/17"),
            (1, 5, 256, "tile/1/005"),
            (0, 999, 256, "tile/0/999"),
            (0, 1000, 256, "tile/0/x001/000"),
            (0, 1_234_067, 256, "tile/0/x001/x234/067"),
            (3, 1_234_067, 8, "tile/3/x001/x234/067.p/8"),
        ] {
            assert_eq!(name(level, index, width), expected);
        }
    }
}
