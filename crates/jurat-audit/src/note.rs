//! C2SP signed notes: a text, an empty line, and lines of signatures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::key::{SigningKey, VerifyingKey};

/// Why a note is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NoteError {
    /// It has no signatures, or a line that is none.
    Form,
    /// No signature names the key.
    OtherKey,
    /// The signature that names the key is not one by it.
    Forged,
}

/// Signs a text, which must end in a newline.
pub(crate) fn sign(text: &str, key: &SigningKey) -> String {
    let public = key.verifying_key();
    let mut signature = public.id().to_vec();
    signature.extend(key.sign(text.as_bytes()));
    format!("{text}\n\u{2014} {} {}\n", public.name(), STANDARD.encode(signature))
}

/// Gives the text of a note that `key` has signed. Signatures of others, such as witnesses, are let
/// stand and not checked.
pub(crate) fn open<'a>(note: &'a str, key: &VerifyingKey) -> Result<&'a str, NoteError> {
    let split = note.rfind("\n\n").ok_or(NoteError::Form)?;
    let (text, rest) = note.split_at_checked(split + 1).ok_or(NoteError::Form)?;
    let lines = rest.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
    let mut signed = false;
    for line in lines.ok_or(NoteError::Form)?.split('\n') {
        let (name, bytes) = signature_line(line).ok_or(NoteError::Form)?;
        let (id, signature) = bytes.split_at_checked(4).ok_or(NoteError::Form)?;
        if name != key.name() || id != key.id() {
            continue;
        }
        if !key.verify(text.as_bytes(), signature) {
            return Err(NoteError::Forged);
        }
        signed = true;
    }
    if signed { Ok(text) } else { Err(NoteError::OtherKey) }
}

fn signature_line(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, base64) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    Some((name, STANDARD.decode(base64).ok()?))
}

#[cfg(test)]
mod tests {
    use super::{NoteError, open, sign};
    use crate::key::{SigningKey, VerifyingKey};

    /// The signed note in the documentation of Go's package `note`.
    const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\
        \n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn a_note_signed_by_go_is_taken() {
        let key = VerifyingKey::parse(GO_KEY).unwrap();
        let text = open(GO_NOTE, &key).unwrap();
        assert!(text.ends_with("what your problem is.\n"));
        assert_eq!(open(&GO_NOTE.replace("answer", "Answer"), &key), Err(NoteError::Forged));
    }

    #[test]
    fn only_the_right_key_and_form_is_taken() {
        let key = SigningKey::from_seed("one", [1; 32]).unwrap();
        let other = SigningKey::from_seed("one", [2; 32]).unwrap();
        let note = sign("a\nb\n", &key);
        assert_eq!(open(&note, key.verifying_key()), Ok("a\nb\n"));
        assert_eq!(open(&note, other.verifying_key()), Err(NoteError::OtherKey));
        assert_eq!(open("a\nb\n", key.verifying_key()), Err(NoteError::Form));
        assert_eq!(open(note.trim_end(), key.verifying_key()), Err(NoteError::Form));
        let witnessed = format!("{note}\u{2014} witness AAAAAAAA\n");
        assert_eq!(open(&witnessed, key.verifying_key()), Ok("a\nb\n"));
    }
}
