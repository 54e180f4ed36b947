//! How many bytes all connections hold together.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An answer of so few bytes is held even if there is no room.
const SMALL_BYTES: usize = 64 * 1024;

/// Room for bytes, which all connections share.
#[derive(Debug)]
pub struct Room {
    held: AtomicUsize,
    max: usize,
}

impl Room {
    pub fn new(max: usize) -> Room {
        Room { held: AtomicUsize::new(0), max }
    }

    #[cfg(test)]
    pub fn held_bytes(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Returns true if more than a quarter of it is taken: those are hurried that hold bytes and do not go on. They must
    /// not hold [`Room::rest_of_half`] for long, which they never fill to the last byte.
    pub fn is_scarce(&self) -> bool {
        self.held.load(Ordering::Relaxed) > self.max / 4
    }

    /// What can still be asked for by those who can do with less. The other half is for those who cannot.
    fn rest_of_half(&self, held: usize) -> usize {
        (self.max / 2).saturating_sub(held)
    }
}

/// Bytes that count in a room until this is dropped.
#[derive(Debug)]
pub struct Held {
    room: Arc<Room>,
    bytes: usize,
}

impl Held {
    /// Starts with none.
    pub fn new(room: &Arc<Room>) -> Held {
        Held { room: room.clone(), bytes: 0 }
    }

    /// Takes more bytes, or fails if there is no room for them.
    pub fn add(&mut self, bytes: usize) -> io::Result<()> {
        let before = self.room.held.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        match before.saturating_add(bytes) > self.room.max {
            true => Err(io::Error::other("too many bytes of requests or answers at a time")),
            false => Ok(()),
        }
    }

    /// Takes so many bytes, or as many as there are. Returns how many.
    pub fn add_up_to(&mut self, bytes: usize) -> usize {
        let mut granted = 0;
        let _ = self.room.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
            granted = self.room.rest_of_half(held).min(bytes);
            Some(held.saturating_add(granted))
        });
        self.bytes += granted;
        granted
    }

    /// Holds exactly the bytes of an answer, which is there. Fails if it is large and there is no room for it.
    pub fn hold_answer(&mut self, bytes: usize) -> io::Result<()> {
        if bytes <= self.bytes {
            self.room.held.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
            self.bytes = bytes;
            return Ok(());
        }
        let more = bytes - self.bytes;
        match self.add(more) {
            Err(_) if bytes <= SMALL_BYTES => Ok(()),
            added => added,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_can_be_smaller_leave_half_of_the_room_to_others() {
        let room = Arc::new(Room::new(1_000_000));
        let mut first = Held::new(&room);
        assert_eq!(first.add_up_to(400_000), 400_000);
        first.hold_answer(399_000).unwrap();
        assert!(room.is_scarce());
        assert_eq!(first.add_up_to(1_000), 1_000);
        let mut second = Held::new(&room);
        assert_eq!(second.add_up_to(400_000), 100_000);
        assert_eq!(Held::new(&room).add_up_to(1), 0);
        // its first batch is larger than what was granted
        second.hold_answer(200_000).unwrap();
        drop(first);
        assert!(!room.is_scarce());
        second.hold_answer(300_000).unwrap();
        assert_eq!(room.held_bytes(), 300_000);
        assert_eq!(Held::new(&room).add_up_to(400_000), 200_000);
    }

    #[test]
    fn a_large_answer_is_dropped_if_there_is_no_room_and_a_small_one_is_not() {
        let room = Arc::new(Room::new(1_000_000));
        let mut full = Held::new(&room);
        full.hold_answer(950_000).unwrap();
        assert!(Held::new(&room).hold_answer(SMALL_BYTES + 1).is_err());
        Held::new(&room).hold_answer(SMALL_BYTES).unwrap();
        assert_eq!(room.held_bytes(), 950_000);
        full.hold_answer(10).unwrap();
        assert_eq!(room.held_bytes(), 10);
    }
}
