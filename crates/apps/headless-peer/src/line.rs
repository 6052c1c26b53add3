//! Lines of bounded length from an untrusted stream.

use std::io::{self, BufRead, Read};

use zeroize::{Zeroize, Zeroizing};

/// Longest line that is taken, in bytes, line end excluded: a chat text of 8 KiB has room, fully escaped.
pub const LINE_LIMIT: usize = 64 * 1024;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A line of text, without its line end.
    Text(String),
    /// A line longer than [`LINE_LIMIT`]; it was skipped.
    TooLong,
    /// A line that is not UTF-8.
    NotText,
}

/// Reads lines and never holds more than [`LINE_LIMIT`] bytes of one.
#[derive(Debug)]
pub struct Lines<R>(R);

impl<R: BufRead> Lines<R> {
    /// Reads from `reader`.
    pub const fn new(reader: R) -> Self {
        Self(reader)
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        let mut too_long = false;
        let mut begun = false;
        loop {
            let chunk = match self.0.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Some(Err(error)),
            };
            if chunk.is_empty() {
                if !begun {
                    return None;
                }
                break;
            }
            begun = true;
            let end = chunk.iter().position(|&byte| byte == b'\n');
            let content = &chunk[..end.unwrap_or(chunk.len())];
            if line.len() + content.len() > LINE_LIMIT {
                too_long = true;
                line.clear();
            } else if !too_long {
                line.extend_from_slice(content);
            }
            let used = end.map_or(chunk.len(), |end| end + 1);
            self.0.consume(used);
            if end.is_some() {
                break;
            }
        }
        if too_long {
            return Some(Ok(Line::TooLong));
        }
        Some(Ok(String::from_utf8(line).map_or(Line::NotText, Line::Text)))
    }
}

/// A buffer in front of `source` that overwrites what was read from it: a chat line stays nowhere.
pub struct Forgetful<R> {
    source: R,
    buffer: Zeroizing<Vec<u8>>,
    filled: core::ops::Range<usize>,
}

impl<R> Forgetful<R> {
    /// Larger than the buffer that the system's standard input has, which is gone around then.
    pub fn new(source: R) -> Self {
        Self { source, buffer: vec![0; 16 * 1024].into(), filled: 0..0 }
    }
}

impl<R: Read> BufRead for Forgetful<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.filled.is_empty() {
            let read = self.source.read(&mut self.buffer)?;
            self.filled = 0..read;
        }
        Ok(&self.buffer[self.filled.clone()])
    }

    fn consume(&mut self, bytes: usize) {
        let end = self.filled.end.min(self.filled.start + bytes);
        self.buffer[self.filled.start..end].zeroize();
        self.filled.start = end;
    }
}

impl<R: Read> Read for Forgetful<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn what_was_read_is_overwritten() {
        let mut reader = Forgetful::new(&b"first\nsecond\n"[..]);
        reader.fill_buf().unwrap();
        reader.consume(6);
        assert_eq!(reader.fill_buf().unwrap(), b"second\n");
        assert_eq!(&reader.buffer[..13], b"\0\0\0\0\0\0second\n");
        assert_eq!(Lines::new(reader).map(Result::unwrap).collect::<Vec<_>>(), [Line::Text("second".into())]);
    }

    fn lines(bytes: &[u8], buffer: usize) -> Vec<Line> {
        Lines::new(BufReader::with_capacity(buffer, bytes)).map(Result::unwrap).collect()
    }

    #[test]
    fn lines_come_whole_whatever_the_buffer() {
        for buffer in [1, 3, 64] {
            let expected = ["one", "", "two"].map(|text| Line::Text(text.into()));
            assert_eq!(lines(b"one\n\ntwo", buffer), expected);
            assert_eq!(lines(b"", buffer), []);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_one_read() {
        let mut bytes = vec![b'x'; LINE_LIMIT];
        bytes.push(b'\n');
        bytes.extend(vec![b'y'; 5 * LINE_LIMIT]);
        bytes.extend(b"\nnext\n\xff\xfe\n");
        let found = lines(&bytes, 1000);
        assert!(matches!(&found[0], Line::Text(text) if text.len() == LINE_LIMIT), "the limit itself is allowed");
        assert_eq!(found[1..], [Line::TooLong, Line::Text("next".into()), Line::NotText]);
    }
}
