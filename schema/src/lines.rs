//! Lines and columns of many places in one text, which is read once for all of them.

/// Bytes of text between two places whose line and column are remembered.
const BLOCK_BYTES: usize = 4096;

pub(crate) struct Lines<'t> {
    text: &'t [u8],
    /// Where each block begins; none before somebody asks.
    blocks: Vec<Position>,
}

/// From 0, the column in characters.
#[derive(Clone, Copy, Default)]
struct Position {
    line: u32,
    column: u32,
}

impl Position {
    fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' => *self = Position { line: self.line + 1, column: 0 },
                0x80..0xc0 => {} // the rest of a character
                _ => self.column += 1,
            }
        }
    }
}

impl<'t> Lines<'t> {
    pub(crate) fn new(text: &'t str) -> Lines<'t> {
        Lines { text: text.as_bytes(), blocks: Vec::new() }
    }

    /// Line and column, from 1, of an offset into the text.
    pub(crate) fn position(&mut self, at: usize) -> (u32, u32) {
        let at = at.min(self.text.len());
        if self.blocks.is_empty() {
            let mut position = Position::default();
            self.blocks.push(position);
            for block in self.text.chunks_exact(BLOCK_BYTES) {
                position.pass(block);
                self.blocks.push(position);
            }
        }
        let block = at / BLOCK_BYTES;
        let mut position = self.blocks[block];
        position.pass(&self.text[block * BLOCK_BYTES..at]);
        (position.line + 1, position.column + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_before_and_behind_many_blocks() {
        let text = "\u{e9}b\n".repeat(10_000);
        let mut lines = Lines::new(&text);
        assert_eq!(lines.position(0), (1, 1));
        for line in [0, 1, 1023, 1024, 1025, 9_999] {
            assert_eq!(lines.position(4 * line), (line as u32 + 1, 1));
            assert_eq!(lines.position(4 * line + 2), (line as u32 + 1, 2));
        }
        assert_eq!(lines.position(text.len() + 5), (10_001, 1));
    }
}
