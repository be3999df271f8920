//! The bytes of a file as UTF-8: tools of some databases write UTF-16, and many put a byte order mark before it.

use std::io::{self, BufRead, BufReader, Cursor, Read};

/// What stands before UTF-8, and before both kinds of UTF-16.
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
const LITTLE_MARK: &[u8] = b"\xff\xfe";
const BIG_MARK: &[u8] = b"\xfe\xff";

/// How much is read at a time.
const CHUNK: usize = 1 << 16;

/// What stands where there is no character.
const REPLACEMENT: u16 = 0xfffd;

/// The text of a file, in UTF-8 without a mark. What is no text stays as it is, or becomes U+FFFD.
pub(super) fn utf8<'i>(mut input: impl Read + 'i) -> io::Result<Box<dyn BufRead + 'i>> {
    let mut start = Vec::new();
    input.by_ref().take(3).read_to_end(&mut start)?;
    let order: Option<fn([u8; 2]) -> u16> = match &start[..] {
        [0xff, 0xfe, ..] => Some(u16::from_le_bytes),
        [0xfe, 0xff, ..] => Some(u16::from_be_bytes),
        // Every file begins with a letter, so a zero beside it is half of one.
        [first, 0, ..] if *first != 0 => Some(u16::from_le_bytes),
        [0, second, ..] if *second != 0 => Some(u16::from_be_bytes),
        _ => None,
    };
    let marks = [UTF8_MARK, LITTLE_MARK, BIG_MARK];
    let mark = marks.into_iter().find(|mark| start.starts_with(mark));
    start.drain(..mark.map_or(0, <[u8]>::len));
    let input = Cursor::new(start).chain(input);
    Ok(match order {
        None => Box::new(BufReader::with_capacity(CHUNK, input)),
        Some(order) => {
            let text = Utf16 {
                input,
                order,
                high: None,
                ready: Vec::new(),
                given: 0,
            };
            Box::new(BufReader::with_capacity(CHUNK, text))
        }
    })
}

/// UTF-16 read as UTF-8.
struct Utf16<R> {
    input: R,
    order: fn([u8; 2]) -> u16,
    /// The first half of a character.
    high: Option<u16>,
    ready: Vec<u8>,
    given: usize,
}

impl<R: Read> Utf16<R> {
    /// Reads on; whether there was anything.
    fn refill(&mut self) -> io::Result<bool> {
        let mut bytes = Vec::with_capacity(CHUNK);
        self.input
            .by_ref()
            .take(CHUNK as u64)
            .read_to_end(&mut bytes)?;
        let units = bytes.chunks(2).map(|pair| match *pair {
            [one, two] => (self.order)([one, two]),
            // Half a unit at the end.
            _ => REPLACEMENT,
        });
        let mut units: Vec<u16> = self.high.take().into_iter().chain(units).collect();
        let full = bytes.len() == CHUNK;
        if full
            && units
                .last()
                .is_some_and(|unit| (0xd800..0xdc00).contains(unit))
        {
            self.high = units.pop();
        }
        let text: String = char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        self.ready = text.into_bytes();
        self.given = 0;
        Ok(!bytes.is_empty())
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() {
            if !self.refill()? {
                return Ok(0);
            }
        }
        let count = (&self.ready[self.given..]).read(out)?;
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> String {
        let mut text = String::new();
        utf8(bytes).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn every_encoding_is_read() {
        let text = "id,user\r\n1,caf\u{e9} \u{1f511}\r\n".repeat(9_000);
        assert_eq!(read(text.as_bytes()), text);
        assert_eq!(read(&[UTF8_MARK, text.as_bytes()].concat()), text);
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (mark, bytes) in [(LITTLE_MARK, &little), (BIG_MARK, &big)] {
            assert_eq!(read(bytes), text);
            assert_eq!(read(&[mark, bytes].concat()), text);
            // A character that is half in one chunk and half in the next.
            let odd = format!("x{text}");
            let shifted: Vec<u8> = if mark == LITTLE_MARK {
                odd.encode_utf16().flat_map(u16::to_le_bytes).collect()
            } else {
                odd.encode_utf16().flat_map(u16::to_be_bytes).collect()
            };
            assert_eq!(read(&shifted), odd);
        }
        assert_eq!(read(b""), "");
        assert_eq!(read(b"\xff\xfea\0b"), "a\u{fffd}");
    }
}
