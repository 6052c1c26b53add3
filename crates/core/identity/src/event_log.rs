//! What happened, for the therapist who answers for it (PROTOCOL §6.4): without content, names or addresses.
//!
//! A line is text; each has a value that covers it and everything before it, so that a line that was changed, taken out
//! or put in shows. Nobody signs it: whoever holds the vault's key can write another log. It is a record, not evidence.

use crate::derive;

/// Lines kept; beyond it the oldest go, and what covered them stays.
const MAX_LINES: usize = 20_000;

/// 32 bytes that cover a line and all before it.
pub type Link = [u8; 32];

/// `H("event log"; link before, line)[0..32]`
fn link(before: &Link, line: &str) -> Link {
    *derive::hash("event log", &[before, line.as_bytes()]).first_chunk().expect("32 of 64 bytes")
}

/// The log.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct EventLog {
    /// What covers the lines that were kept no longer; zeros if there are none.
    pub start: Link,
    /// Each line, with its link.
    pub lines: Vec<(String, Link)>,
}

impl EventLog {
    /// What covers all of it.
    #[must_use]
    pub fn head(&self) -> Link {
        self.lines.last().map_or(self.start, |(_, link)| *link)
    }

    /// Adds a line.
    ///
    /// # Panics
    /// If it has a line break: one line would become two.
    pub fn append(&mut self, line: String) {
        assert!(!line.contains(['\n', '\r']), "a line is one line");
        let link = link(&self.head(), &line);
        if self.lines.len() >= MAX_LINES {
            (_, self.start) = self.lines.remove(0);
        }
        self.lines.push((line, link));
    }

    /// The number, from 1, of the first line that is not what it was.
    #[must_use]
    pub fn first_changed(&self) -> Option<usize> {
        let mut before = self.start;
        for (number, (line, own)) in (1..).zip(&self.lines) {
            before = link(&before, line);
            if before != *own {
                return Some(number);
            }
        }
        None
    }

    /// As text to be kept outside: the link before the first line, then `link line` in each row.
    #[must_use]
    pub fn export(&self) -> Vec<String> {
        let rows = self.lines.iter().map(|(line, link)| format!("{} {line}", hex(link)));
        core::iter::once(hex(&self.start)).chain(rows).collect()
    }

    /// Reads what [`Self::export`] wrote. It is not checked: ask [`Self::first_changed`].
    #[must_use]
    pub fn from_export(text: &str) -> Option<Self> {
        let mut rows = text.lines();
        let start = unhex(rows.next()?)?;
        let lines = rows.map(|row| {
            let (link, line) = row.split_once(' ')?;
            Some((line.to_owned(), unhex(link)?))
        });
        Some(Self { start, lines: lines.collect::<Option<_>>()? })
    }
}

impl core::fmt::Debug for EventLog {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "EventLog({} lines)", self.lines.len())
    }
}

/// Small hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Link> {
    let mut link = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in link.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(link)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn log() -> EventLog {
        let mut log = EventLog::default();
        for n in 0..20 {
            log.append(format!("{{\"at\":{n}}}"));
        }
        log
    }

    #[test]
    fn a_log_that_nobody_touched_is_whole_and_comes_back() {
        let log = log();
        assert_eq!(log.first_changed(), None);
        assert_eq!(EventLog::from_export(&log.export().join("\n")), Some(log));
    }

    #[test]
    fn every_line_that_is_changed_taken_out_put_in_or_moved_shows() {
        for at in 0..20 {
            let mut changed = log();
            changed.lines[at].0.push(' ');
            assert_eq!(changed.first_changed(), Some(at + 1));
            let mut shorter = log();
            shorter.lines.remove(at);
            // The last line can be cut off without a trace in what is left: the head tells, which was noted elsewhere.
            assert_eq!(shorter.first_changed(), (at < 19).then_some(at + 1));
            assert_eq!(shorter.head() == log().head(), at < 19);
            let mut longer = log();
            longer.lines.insert(at, ("{}".into(), [7; 32]));
            assert_eq!(longer.first_changed(), Some(at + 1));
            let mut moved = log();
            moved.lines.swap(at, (at + 1) % 20);
            assert!(moved.first_changed().is_some());
        }
    }

    #[test]
    fn the_oldest_lines_go_and_the_rest_stays_whole() {
        let mut log = EventLog::default();
        for n in 0..MAX_LINES + 3 {
            log.append(n.to_string());
        }
        assert_eq!((log.lines.len(), log.lines[0].0.as_str(), log.first_changed()), (MAX_LINES, "3", None));
    }

    #[test]
    fn what_is_no_export_is_refused() {
        let good = log().export().join("\n");
        for bad in
            ["", "abc", &good[1..], &good.replacen(' ', "", 1), &format!("{good}\nabc def"), &good.replace('a', "ä")]
        {
            assert!(EventLog::from_export(bad).is_none(), "{bad}");
        }
    }
}
