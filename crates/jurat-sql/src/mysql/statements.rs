//! Where one statement of a text ends and the next begins.

use crate::scan::{Kind, Piece};

/// Cuts pieces into statements at semicolons. A stored program holds semicolons of its own, so with one the
/// rest of the text is one statement, as it is for the servers.
pub(crate) fn statements(text: &str, pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    let mut found: Vec<Vec<Piece>> = Vec::new();
    let mut current: Vec<Piece> = Vec::new();
    let mut head: Vec<String> = Vec::new();
    let mut compound = false;
    for piece in pieces {
        let word = piece.of(text);
        if !compound && piece.kind == Kind::Symbol && word == ";" {
            found.push(std::mem::take(&mut current));
            head.clear();
            continue;
        }
        if !piece.kind.is_blank() && head.len() < 12 {
            head.push(word.to_ascii_lowercase());
            compound = is_compound(&head);
        }
        if !(current.is_empty() && piece.kind.is_blank()) {
            current.push(piece);
        }
    }
    found.push(current);
    found
}

/// Whether a statement that begins with these words can hold others.
fn is_compound(head: &[String]) -> bool {
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    match head.as_slice() {
        ["begin", "not", ..] => true,
        ["if" | "case" | "while" | "loop" | "repeat" | "for" | "declare", ..] => true,
        ["create" | "alter", rest @ ..] => rest
            .iter()
            .any(|word| ["procedure", "function", "trigger", "event", "package"].contains(word)),
        _ => false,
    }
}
