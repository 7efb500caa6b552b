//! The bytes of a connection that came and are not handled yet, and where buffers come from.
//!
//! A connection has a buffer only while it holds something, so an idle session costs none. Buffers go from one
//! connection of a thread to the next: making one for each message would cost more than filling it.

use std::{
    cell::{Cell, RefCell},
    ops::Deref,
};

/// What one read takes at most, bytes. Larger buffers gained nothing on loopback (measured).
pub(crate) const READ_BYTES: usize = 16 << 10;

/// Buffers for what goes out are made this large, and kept up to this size, bytes.
const OUT_BYTES: usize = 1 << 10;
const OUT_BYTES_MAX: usize = 32 << 10;

/// A thread keeps at most this many spare buffers of each kind, beside the one that was given back last.
const SPARE_MAX: usize = 8;

/// Spare buffers of one kind on one thread.
struct Spare {
    /// What was given back last; without capacity where there is none. Mostly it is wanted again at once.
    last: Cell<Vec<u8>>,
    more: RefCell<Vec<Vec<u8>>>,
}

thread_local! {
    /// Buffers of [`READ_BYTES`] bytes each. What an earlier connection left in them is never seen: only bytes that
    /// were read for the connection at hand lie between the two ends of its inbox.
    static SPARE_IN: Spare = const { Spare::new() };
    /// Empty buffers with room for a few messages.
    static SPARE_OUT: Spare = const { Spare::new() };
}

impl Spare {
    const fn new() -> Self {
        Self { last: Cell::new(Vec::new()), more: RefCell::new(Vec::new()) }
    }

    fn take(&self) -> Option<Vec<u8>> {
        let last = self.last.take();
        if last.capacity() > 0 { Some(last) } else { self.more.borrow_mut().pop() }
    }

    fn keep(&self, buffer: Vec<u8>) {
        let before = self.last.replace(buffer);
        if before.capacity() > 0 {
            let mut more = self.more.borrow_mut();
            if more.len() < SPARE_MAX {
                more.push(before);
            }
        }
    }
}

/// Bytes that came in, in order. It derefs to those that are not handled yet.
#[derive(Default)]
pub(crate) struct Inbox {
    /// All of it is initialized, so that a read needs no more than a place in it.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Inbox {
    /// A place for the next read; never empty.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.buffer.is_empty() {
            self.buffer = SPARE_IN.with(Spare::take).unwrap_or_else(|| vec![0; READ_BYTES]);
            return &mut self.buffer;
        }
        if self.left() < READ_BYTES / 2 && self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end = self.end.saturating_sub(self.start);
            self.start = 0;
        }
        if self.left() < READ_BYTES / 2 {
            // A long message that has to be there as a whole; how long it may be is limited elsewhere.
            self.buffer.resize(self.buffer.len().saturating_mul(2), 0);
        }
        let until = self.end.saturating_add(READ_BYTES).min(self.buffer.len());
        self.buffer.get_mut(self.end..until).unwrap_or_default()
    }

    const fn left(&self) -> usize {
        self.buffer.len().saturating_sub(self.end)
    }

    /// Notes how much of [`Self::room`] was filled.
    pub(crate) fn filled(&mut self, bytes: usize) {
        self.end = self.end.saturating_add(bytes).min(self.buffer.len());
        self.give_back_if_empty();
    }

    /// Adds what came later.
    pub(crate) fn append(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.room();
            let count = room.len().min(bytes.len());
            let (now, later) = bytes.split_at_checked(count).unwrap_or((bytes, &[]));
            room.iter_mut().zip(now).for_each(|(place, byte)| *place = *byte);
            self.filled(count);
            bytes = later;
        }
    }

    /// Drops bytes from the front.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes).min(self.end);
        self.give_back_if_empty();
    }

    fn give_back_if_empty(&mut self) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            let buffer = std::mem::take(&mut self.buffer);
            if buffer.len() == READ_BYTES {
                SPARE_IN.with(|spare| spare.keep(buffer));
            }
        }
    }
}

impl Deref for Inbox {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }
}

/// An empty buffer for what goes out.
pub(crate) fn outbox() -> Vec<u8> {
    SPARE_OUT.with(Spare::take).unwrap_or_else(|| Vec::with_capacity(OUT_BYTES))
}

/// Takes such a buffer back once all of it was written.
pub(crate) fn give_back(mut outbox: Vec<u8>) {
    outbox.clear();
    if outbox.capacity() <= OUT_BYTES_MAX {
        SPARE_OUT.with(|spare| spare.keep(outbox));
    }
}

#[cfg(test)]
mod tests {
    use super::{Inbox, READ_BYTES};

    /// Puts bytes in as reads would, in as many steps as there is room for.
    fn put(inbox: &mut Inbox, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = inbox.room();
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
            inbox.filled(count);
            bytes = &bytes[count..];
        }
    }

    #[test]
    fn what_goes_in_comes_out_in_order_however_it_is_cut() {
        let all: Vec<u8> =
            (0..200_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        for (pieces, taken) in
            [(1, 1), (7, 5), (READ_BYTES, 100), (50_000, 49_999), (100_000, 60_000)]
        {
            let mut inbox = Inbox::default();
            let mut seen = Vec::new();
            for piece in all.chunks(pieces) {
                put(&mut inbox, piece);
                let count = taken.min(inbox.len());
                seen.extend_from_slice(&inbox[..count]);
                inbox.consume(count);
            }
            seen.extend_from_slice(&inbox);
            assert!(seen == all, "{pieces} {taken}");
        }
    }

    #[test]
    fn an_empty_inbox_has_no_buffer_and_shows_nothing_of_an_earlier_one() {
        let mut first = Inbox::default();
        put(&mut first, b"a secret of another session");
        first.consume(usize::MAX);
        assert!(first.is_empty() && first.buffer.is_empty());
        let mut second = Inbox::default();
        second.room();
        assert!(second.is_empty());
        second.filled(0);
        assert!(second.buffer.is_empty());
        put(&mut second, b"b");
        assert_eq!(&*second, b"b");
    }
}
