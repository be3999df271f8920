//! Bytes that go to stdout as they are: what a server answered.

use std::io::{self, IsTerminal as _, Write};

/// Stdout for bytes of a server. A terminal gets no control characters from it, since a server has a say in them.
pub(crate) fn raw() -> Box<dyn Write> {
    let stdout = io::stdout().lock();
    if stdout.is_terminal() {
        Box::new(Harmless {
            screen: stdout,
            held: false,
        })
    } else {
        Box::new(stdout)
    }
}

/// The first byte in UTF-8 of the control characters beyond ASCII, and of others.
const LATIN: u8 = 0xc2;

/// Shows `?` where a control character stands, and lets line ends and tabs through.
struct Harmless<W> {
    screen: W,
    /// Whether a [`LATIN`] waits for what follows it.
    held: bool,
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut shown = Vec::with_capacity(bytes.len() + 1);
        for &byte in bytes {
            if std::mem::take(&mut self.held) {
                if (0x80..0xa0).contains(&byte) {
                    shown.push(b'?');
                    continue;
                }
                shown.push(LATIN);
            }
            match byte {
                LATIN => self.held = true,
                b'\n' | b'\r' | b'\t' => shown.push(byte),
                0..0x20 | 0x7f => shown.push(b'?'),
                _ => shown.push(byte),
            }
        }
        self.screen.write_all(&shown)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.screen.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_cannot_drive_the_terminal() {
        #[track_caller]
        fn check(pieces: &[&str], expected: &str) {
            let mut shown = Vec::new();
            let mut harmless = Harmless {
                screen: &mut shown,
                held: false,
            };
            for piece in pieces {
                harmless.write_all(piece.as_bytes()).unwrap();
            }
            assert_eq!(String::from_utf8(shown).unwrap(), expected);
        }
        check(&["a\tb\r\n\u{e9}\u{a9}"], "a\tb\r\n\u{e9}\u{a9}");
        check(&["\u{1b}[2J\u{7}\0\u{7f}"], "?[2J???");
        check(&["a\u{9b}2J"], "a?2J");
    }

    #[test]
    fn a_character_may_come_in_two_pieces() {
        let mut shown = Vec::new();
        let mut harmless = Harmless {
            screen: &mut shown,
            held: false,
        };
        for byte in "\u{9b}\u{a9}x".bytes() {
            harmless.write_all(&[byte]).unwrap();
        }
        assert_eq!(String::from_utf8(shown).unwrap(), "?\u{a9}x");
    }
}
