//! The last bytes that a shell wrote.

use std::collections::VecDeque;

/// How many bytes are kept.
pub(super) const CAPACITY_BYTES: usize = 1024 * 1024;

/// How far from the beginning of a cut-off scrollback a line's end is looked for.
const MAX_SKIP_BYTES: usize = 4096;

/// The last bytes, at most [`CAPACITY_BYTES`].
#[derive(Debug, Default)]
pub(super) struct Scrollback {
    bytes: VecDeque<u8>,
    /// Whether something older is lost.
    cut: bool,
}

impl Scrollback {
    /// Adds bytes at the end; the oldest ones make room.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let kept = bytes.get(bytes.len().saturating_sub(CAPACITY_BYTES)..).unwrap_or_default();
        let excess = (self.bytes.len() + kept.len()).saturating_sub(CAPACITY_BYTES);
        self.cut |= excess > 0 || kept.len() < bytes.len();
        self.bytes.drain(..excess.min(self.bytes.len()));
        self.bytes.extend(kept);
    }

    /// What a new viewer is shown. When older bytes are lost, it begins after the end of a line: not
    /// in the middle of a character or an escape sequence.
    pub(super) fn to_show(&self) -> Vec<u8> {
        let skip = if self.cut {
            self.bytes
                .iter()
                .take(MAX_SKIP_BYTES)
                .position(|byte| *byte == b'\n')
                .map_or(0, |position| position + 1)
        } else {
            0
        };
        self.bytes.iter().skip(skip).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_all_until_it_is_full() {
        let mut scrollback = Scrollback::default();
        scrollback.push(b"one\ntwo\n");
        assert_eq!(scrollback.to_show(), b"one\ntwo\n");
    }

    #[test]
    fn keeps_the_last_bytes_from_a_line_on() {
        let mut scrollback = Scrollback::default();
        for number in 0..200_000 {
            scrollback.push(format!("{number:09}\n").as_bytes());
        }
        let shown = scrollback.to_show();
        assert!(shown.len() <= CAPACITY_BYTES && shown.len() > CAPACITY_BYTES - 10);
        assert!(shown.ends_with(b"000199999\n"));
        assert_eq!(shown.len() % 10, 0);
    }

    #[test]
    fn one_push_larger_than_all() {
        let mut scrollback = Scrollback::default();
        scrollback.push(b"before");
        scrollback.push(&vec![b'x'; CAPACITY_BYTES + 5]);
        assert_eq!(scrollback.to_show(), vec![b'x'; CAPACITY_BYTES]);
    }
}
