//! The tree against the recursive definition of RFC 6962 and against published vectors.

use super::{Hash, Tile, Tree, leaf_hash, node_hash, sha256};

/// RFC 6962 section 2.1, word for word: split at the largest power of two below the size.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let mut split = 1;
            while split * 2 < leaves.len() {
                split *= 2;
            }
            node_hash(&naive_root(&leaves[..split]), &naive_root(&leaves[split..]))
        }
    }
}

fn hex(hash: &Hash) -> String {
    let mut out = Vec::new();
    crate::hex::push(&mut out, hash);
    String::from_utf8(out).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit =
        |digit: &u8| u8::from_str_radix(std::str::from_utf8(&[*digit]).unwrap(), 16).unwrap();
    hex.as_bytes().chunks(2).map(|pair| digit(&pair[0]) * 16 + digit(&pair[1])).collect()
}

/// The inputs and roots of the Certificate Transparency reference implementation.
#[test]
fn published_vectors() {
    let inputs = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = Tree::default();
    assert_eq!(
        hex(&tree.root()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    for (input, root) in inputs.iter().zip(roots) {
        tree.push(leaf_hash(&bytes(input)), |_| {});
        assert_eq!(hex(&tree.root()), root, "after {} leaves", tree.size());
    }
}

/// Every size up to 700 crosses two level-0 tiles; the large one crosses a level-1 tile.
#[test]
fn every_size_gives_the_root_of_the_definition() {
    let leaves: Vec<Hash> = (0..70_000_u32).map(|n| leaf_hash(&n.to_be_bytes())).collect();
    let mut tree = Tree::default();
    let mut full: Vec<Tile> = Vec::new();
    for (before, leaf) in leaves.iter().enumerate() {
        tree.push(*leaf, |tile| full.push(tile));
        let size = before + 1;
        if size <= 700 || [65_535, 65_536, 65_537, 70_000].contains(&size) {
            assert_eq!(tree.root(), naive_root(&leaves[..size]), "at {size}");
        }
    }
    let level_0: Vec<&Tile> = full.iter().filter(|tile| tile.level == 0).collect();
    assert_eq!(level_0.len(), 273);
    for (index, tile) in level_0.iter().enumerate() {
        assert_eq!(tile.index, u64::try_from(index).unwrap());
        assert_eq!(tile.hashes, leaves[index * 256..(index + 1) * 256]);
    }
    let level_1: Vec<&Tile> = full.iter().filter(|tile| tile.level == 1).collect();
    assert_eq!(level_1.len(), 1);
    assert_eq!(level_1[0].index, 0);
    assert_eq!(level_1[0].hashes[3], naive_root(&leaves[768..1024]));
}

/// A tree put together from its edge goes on as the tree that it was.
#[test]
fn the_edge_is_the_whole_tree() {
    let mut tree = Tree::default();
    for n in 0..66_000_u32 {
        tree.push(leaf_hash(&n.to_be_bytes()), |_| {});
    }
    let tiles: Vec<Tile> = tree.partial_tiles().collect();
    let mut again = Tree::from_edge(tree.size(), |level, index, width| {
        tiles
            .iter()
            .find(|tile| tile.level == level && tile.index == index && tile.hashes.len() == width)
            .map(|tile| tile.hashes.clone())
            .ok_or(())
    })
    .unwrap();
    assert_eq!(again.root(), tree.root());
    tree.push([7; 32], |_| {});
    again.push([7; 32], |_| {});
    assert_eq!(again.root(), tree.root());
}
