//! Where a place in the text that was sent stands in the client's own text.
//!
//! The database says where an error is as a position in the text that it was sent. The canonical text
//! has the client's tokens with others between them (schemas, casts, `AS`), so the two are walked side by
//! side. Nothing is decided by the result: it only tells a person where to look.

use crate::limits::ReadLimits;
use crate::scan::{Kind, Piece, scan};

/// How many tokens either text may have more than the other at one place.
const GAP_MAX: usize = 16;

/// The position in `client` of what stands at `position` in `sent`; both count characters from 1, as
/// the field `P` of an error does (PostgreSQL documentation, "Error and Notice Message Fields").
///
/// `None` where the token at that place is not the client's.
pub fn client_position(client: &str, sent: &str, position: usize) -> Option<usize> {
    let at = byte_of(sent, position)?;
    // The client's own bytes without what surrounds them, as for a statement that was not understood.
    if let Some(start) = client.find(sent) {
        return Some(position_of(client, start.checked_add(at)?));
    }
    let limits = ReadLimits::default().widened();
    let words = |text| -> Option<Vec<Piece>> {
        let pieces = scan(text, limits.tokens_max).ok()?;
        Some(pieces.into_iter().filter(|piece| !piece.kind.is_blank()).collect())
    };
    let (ours, theirs) = (words(sent)?, words(client)?);
    let wanted = ours.iter().position(|piece| piece.start <= at && at < piece.end)?;
    let found = match_of(
        &Side { text: sent, pieces: &ours },
        &Side { text: client, pieces: &theirs },
        wanted,
    )?;
    let piece = theirs.get(found.theirs)?;
    // An error inside a token (a bad escape) is as far inside the client's, where they are the same.
    let inside = ours.get(found.ours).map_or(0, |ours| at.saturating_sub(ours.start));
    let same = ours.get(found.ours)?.of(sent) == piece.of(client);
    Some(position_of(client, piece.start.checked_add(if same { inside } else { 0 })?))
}

/// One text and its tokens.
struct Side<'a> {
    text: &'a str,
    pieces: &'a [Piece],
}

impl Side<'_> {
    fn word(&self, index: usize) -> Option<String> {
        self.pieces.get(index).map(|piece| folded(piece.kind, piece.of(self.text)))
    }
}

/// Two tokens that stand for each other.
struct Pair {
    ours: usize,
    theirs: usize,
}

/// The client's token that stands for `wanted`, or for the name that a schema at `wanted` qualifies.
fn match_of(sent: &Side<'_>, client: &Side<'_>, wanted: usize) -> Option<Pair> {
    let (mut ours, mut theirs) = (0_usize, 0_usize);
    while ours < sent.pieces.len() && theirs < client.pieces.len() {
        if equal(sent, client, ours, theirs) {
            if ours >= wanted {
                return qualifies(sent, wanted, ours).then_some(Pair { ours, theirs });
            }
            ours = ours.saturating_add(1);
            theirs = theirs.saturating_add(1);
            continue;
        }
        let (more_ours, more_theirs) = next_match(sent, client, ours, theirs)?;
        ours = ours.saturating_add(more_ours);
        theirs = theirs.saturating_add(more_theirs);
    }
    None
}

/// Whether only `schema .` stands between the wanted token and the one that was found.
fn qualifies(sent: &Side<'_>, wanted: usize, found: usize) -> bool {
    match found.saturating_sub(wanted) {
        0 => true,
        2 => sent.word(wanted.saturating_add(1)).as_deref() == Some("."),
        _ => false,
    }
}

/// How many tokens to leave out on each side until they agree again, as few as possible.
fn next_match(
    sent: &Side<'_>,
    client: &Side<'_>,
    ours: usize,
    theirs: usize,
) -> Option<(usize, usize)> {
    let both = |gap: usize| (0..=gap).map(move |more| (more, gap.saturating_sub(more)));
    // Two tokens in a row agree, or, failing that, one: commas and brackets agree everywhere.
    let agrees = |(a, b): &(usize, usize), count: usize| {
        (0..count).all(|next| {
            let at = |start: usize, more: usize| start.saturating_add(more).saturating_add(next);
            equal(sent, client, at(ours, *a), at(theirs, *b))
        })
    };
    (1..=GAP_MAX)
        .flat_map(both)
        .find(|gap| agrees(gap, 2))
        .or_else(|| (1..=GAP_MAX).flat_map(both).find(|gap| agrees(gap, 1)))
}

fn equal(sent: &Side<'_>, client: &Side<'_>, ours: usize, theirs: usize) -> bool {
    match (sent.word(ours), client.word(theirs)) {
        (Some(ours), Some(theirs)) => ours == theirs,
        // Both at their end.
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// A token without what printing may change: the case of a word, quotes that a name does not need.
fn folded(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Word => text.to_ascii_lowercase(),
        Kind::Quoted => text.trim_matches('"').to_owned(),
        Kind::Operator if text == "!=" => "<>".to_owned(),
        Kind::Space
        | Kind::Comment
        | Kind::Number
        | Kind::Text
        | Kind::Prefixed
        | Kind::Dollar
        | Kind::Parameter
        | Kind::Operator
        | Kind::Symbol => text.to_owned(),
    }
}

/// The byte at which the character with that number begins.
fn byte_of(text: &str, position: usize) -> Option<usize> {
    text.char_indices().nth(position.checked_sub(1)?).map(|(byte, _)| byte)
}

/// The number of the character that begins at a byte.
fn position_of(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(start, _)| *start < byte).count().saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::client_position;

    /// `^` stands in front of the place; it is taken out before the texts are compared.
    fn map(sent: &str, client: &str) -> String {
        let position = sent.chars().position(|c| c == '^').unwrap() + 1;
        match client_position(client, &sent.replace('^', ""), position) {
            Some(found) => {
                let mut marked: Vec<char> = client.chars().collect();
                marked.insert(found - 1, '^');
                marked.into_iter().collect()
            }
            None => "nowhere".to_owned(),
        }
    }

    #[test]
    fn a_place_is_found_by_the_tokens_around_it() {
        for (sent, client, expected) in [
            // Printed with other blanks, other case and without comments.
            ("SELECT 1 + ^'x'", "select  1+'x'", "select  1+^'x'"),
            ("SELECT ^a FROM public.t AS t", "select /* c */ a from t", "select /* c */ ^a from t"),
            // What Jurat has put in stands for the name that it qualifies.
            ("SELECT 1 FROM ^public.t", "SELECT 1 FROM t", "SELECT 1 FROM ^t"),
            ("SELECT ^pg_catalog.lower(1)", "select lower(1)", "select ^lower(1)"),
            ("SELECT pg_catalog.^lower(1)", "select lower(1)", "select ^lower(1)"),
            (
                "SELECT a FROM public.t AS t WHERE ^b <> 1",
                "SELECT a FROM t WHERE b != 1",
                "SELECT a FROM t WHERE ^b != 1",
            ),
            // Of several equal tokens it is the one at that place.
            ("SELECT x, ^x FROM public.t AS t", "SELECT x,x FROM t", "SELECT x,^x FROM t"),
            // Characters are counted, not bytes.
            ("SELECT 'é', ^é", "select 'é',é", "select 'é',^é"),
            // The client's own bytes without the blanks around them.
            ("selec ^1", " \n selec 1 ", " \n selec ^1 "),
            ("SELECT '^x'::int", "select 'x'::int", "select '^x'::int"),
        ] {
            assert_eq!(map(sent, client), expected, "{sent}");
        }
    }

    #[test]
    fn what_the_client_did_not_write_is_nowhere() {
        for (sent, client) in [
            ("SELECT 1 FROM public.t ^AS t", "SELECT 1 FROM t"),
            ("SELECT 1 FROM ^x.t", "select 2"),
            ("SELECT ^'open", "select 'open"),
        ] {
            assert_eq!(map(sent, client), "nowhere", "{sent}");
        }
        assert_eq!(client_position("select 1", "SELECT 1", 0), None);
        assert_eq!(client_position("select 1", "SELECT 1", 99), None);
    }
}
