//! The memory of another process, as whoever may debug it sees it.

use std::{
    collections::{BTreeSet, HashMap},
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
};

/// Bytes of an expanded AES-256 key: fifteen round keys.
const SCHEDULE: usize = 240;
/// Larger stretches are read piece by piece.
const PIECE: usize = 8 << 20;

/// What a process could write to, copied at one moment; it goes on running meanwhile.
pub struct Memory {
    pieces: Vec<(String, Vec<u8>)>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Memory({} bytes)", self.size())
    }
}

impl Memory {
    /// Reads the memory of a process. Ours can't be read by other programs of their user, only by root.
    ///
    /// # Errors
    /// It may not be read, or there is no such process.
    pub fn of(pid: u32) -> io::Result<Self> {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
        let mut file = File::open(format!("/proc/{pid}/mem"))?;
        let stacks = stacks(pid);
        let mut pieces = Vec::new();
        for line in maps.lines() {
            let mut words = line.split_whitespace();
            let (Some(range), Some(rights)) = (words.next(), words.next()) else { continue };
            let name = words.nth(3).unwrap_or("anonymous");
            let Some((from, to)) = range.split_once('-') else { continue };
            let (Ok(from), Ok(to)) = (u64::from_str_radix(from, 16), u64::from_str_radix(to, 16)) else { continue };
            let stack = stacks.iter().find(|(pointer, _)| (from..to).contains(pointer));
            let name = stack.map_or_else(|| name.to_owned(), |(_, thread)| format!("the stack of “{thread}”"));
            if !rights.starts_with("rw") || name.starts_with("/dev/") {
                continue;
            }
            let mut at = from;
            while at < to {
                let len = usize::try_from(to - at).unwrap_or(PIECE).min(PIECE);
                // A key that lies across two pieces is in the second one whole.
                let lead = if at > from { SCHEDULE as u64 } else { 0 };
                let mut bytes = vec![0; len + lead as usize];
                file.seek(SeekFrom::Start(at - lead))?;
                // What was given back meanwhile can't be read any more.
                if file.read_exact(&mut bytes).is_ok() {
                    pieces.push((name.clone(), bytes));
                }
                at += len as u64;
            }
        }
        Ok(Self { pieces })
    }

    /// Bytes that were read.
    #[must_use]
    pub fn size(&self) -> usize {
        self.pieces.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Names of the areas in which these bytes are found.
    #[must_use]
    pub fn places(&self, needle: &[u8]) -> Vec<&str> {
        self.pieces.iter().filter(|(_, bytes)| find(bytes, needle)).map(|(name, _)| name.as_str()).collect()
    }

    /// Which of many needles are found, and the names of the areas: one look at each byte, however many they are. Needles
    /// have at least [`SHORTEST`] bytes.
    ///
    /// # Panics
    /// If a needle is shorter.
    #[must_use]
    pub fn find_all<'a>(&self, needles: impl IntoIterator<Item = &'a [u8]>) -> Vec<(&'a [u8], &str)> {
        let index = Index::new(needles);
        let mut found = BTreeSet::new();
        for (name, bytes) in &self.pieces {
            index.search(bytes, |needle| {
                found.insert((needle, name.as_str()));
            });
        }
        found.into_iter().collect()
    }

    /// AES-256 keys that lie there expanded for use, found by how round keys follow from each other; nothing else looks
    /// like that by chance.
    #[must_use]
    pub fn aes_256_keys(&self) -> BTreeSet<[u8; 32]> {
        let mut found = BTreeSet::new();
        for (_, bytes) in &self.pieces {
            for schedule in bytes.windows(SCHEDULE).step_by(4) {
                if is_schedule(schedule)
                    && let Some(key) = schedule.first_chunk()
                {
                    found.insert(*key);
                }
            }
        }
        found
    }
}

/// Needles that [`Memory::find_all`] takes have this many bytes at least.
pub const SHORTEST: usize = 8;
/// Most memory is zero, and is passed over by stretches of this length.
const STRETCH: usize = 4096;

/// Needles by their first bytes.
struct Index<'a> {
    begins: Vec<bool>,
    by_head: HashMap<[u8; SHORTEST], Vec<&'a [u8]>>,
}

impl<'a> Index<'a> {
    fn new(needles: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut index = Self { begins: vec![false; 1 << 16], by_head: HashMap::new() };
        for needle in needles {
            let head = *needle.first_chunk().expect("a needle is not shorter than its head");
            index.begins[usize::from(u16::from_ne_bytes([head[0], head[1]]))] = true;
            index.by_head.entry(head).or_default().push(needle);
        }
        index
    }

    fn search(&self, bytes: &[u8], mut found: impl FnMut(&'a [u8])) {
        let end = (bytes.len() + 1).saturating_sub(SHORTEST);
        for from in (0..end).step_by(STRETCH) {
            let stretch = &bytes[from..bytes.len().min(from + STRETCH + SHORTEST)];
            if stretch == &[0; STRETCH + SHORTEST][..stretch.len()] {
                continue;
            }
            for at in from..end.min(from + STRETCH) {
                if !self.begins[usize::from(u16::from_ne_bytes([bytes[at], bytes[at + 1]]))] {
                    continue;
                }
                let rest = &bytes[at..];
                let known = rest.first_chunk().and_then(|head| self.by_head.get(head));
                for &needle in known.into_iter().flatten() {
                    if rest.starts_with(needle) {
                        found(needle);
                    }
                }
            }
        }
    }
}

/// Stack pointer and name of each thread that waits in a system call; a name for a place is all that hangs on it.
fn stacks(pid: u32) -> Vec<(u64, String)> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    tasks
        .filter_map(|task| {
            let call = fs::read_to_string(task.path().join("syscall")).ok()?;
            let pointer = call.split_whitespace().rev().nth(1)?.strip_prefix("0x")?.to_owned();
            let name = fs::read_to_string(task.path().join("comm")).ok()?;
            Some((u64::from_str_radix(&pointer, 16).ok()?, name.trim().to_owned()))
        })
        .collect()
}

fn find(bytes: &[u8], needle: &[u8]) -> bool {
    let Some((&first, rest)) = needle.split_first() else { return false };
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|&byte| byte == first) {
        from += at + 1;
        if bytes[from..].starts_with(rest) {
            return true;
        }
    }
    false
}

/// FIPS 197, section 5.2, with eight words of key.
fn is_schedule(bytes: &[u8]) -> bool {
    let word = |at: usize| [bytes[4 * at], bytes[4 * at + 1], bytes[4 * at + 2], bytes[4 * at + 3]];
    let sub = |word: [u8; 4]| word.map(|byte| S_BOX[usize::from(byte)]);
    let add = |a: [u8; 4], b: [u8; 4]| [a[0] ^ b[0], a[1] ^ b[1], a[2] ^ b[2], a[3] ^ b[3]];
    let mut constant = 1_u8;
    (8..60).all(|at| {
        let last = word(at - 1);
        let mixed = match at % 8 {
            0 => {
                let mut turned = sub([last[1], last[2], last[3], last[0]]);
                turned[0] ^= constant;
                constant = constant.wrapping_shl(1);
                turned
            }
            4 => sub(last),
            _ => last,
        };
        word(at) == add(word(at - 8), mixed)
    }) && bytes.iter().any(|&byte| byte != 0)
}

/// The S-box, from its definition: the inverse in GF(2^8), then an affine map.
const S_BOX: [u8; 256] = {
    let mut table = [0; 256];
    let (mut p, mut q) = (1_u8, 1_u8);
    loop {
        // p runs through all powers of 3, q through their inverses.
        p = p ^ (p << 1) ^ if p & 0x80 == 0 { 0 } else { 0x1b };
        q ^= q << 1;
        q ^= q << 2;
        q ^= q << 4;
        if q & 0x80 != 0 {
            q ^= 0x09;
        }
        table[p as usize] = q ^ q.rotate_left(1) ^ q.rotate_left(2) ^ q.rotate_left(3) ^ q.rotate_left(4) ^ 0x63;
        if p == 1 {
            break;
        }
    }
    table[0] = 0x63;
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197, appendix A.3: the key and the words from 8 on that follow from it.
    const KEY: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
    const FIRST_WORDS: [&str; 4] = ["9ba35411", "8e6925af", "a51a8b5f", "2067fcde"];

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).filter_map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
    }

    fn expanded(key: &[u8]) -> Vec<u8> {
        let mut bytes = key.to_vec();
        let mut constant = 1_u8;
        for at in 8..60 {
            let mut word: [u8; 4] = bytes[4 * at - 4..].try_into().unwrap_or_default();
            if at % 8 == 0 {
                word.rotate_left(1);
            }
            if at % 4 == 0 {
                word = word.map(|byte| S_BOX[usize::from(byte)]);
            }
            if at % 8 == 0 {
                word[0] ^= constant;
                constant <<= 1;
            }
            for (n, byte) in word.into_iter().enumerate() {
                bytes.push(byte ^ bytes[4 * (at - 8) + n]);
            }
        }
        bytes
    }

    #[test]
    fn expanded_keys_are_found_and_random_bytes_are_not() {
        let schedule = expanded(&hex(KEY));
        assert_eq!(schedule[32..48], hex(&FIRST_WORDS.concat())[..], "FIPS 197 A.3");
        assert!(is_schedule(&schedule));
        let mut wrong = schedule.clone();
        wrong[239] ^= 1;
        assert!(!is_schedule(&wrong) && !is_schedule(&[0; SCHEDULE]));
        let memory = Memory { pieces: vec![("x".into(), [&[7; 20][..], &schedule, &[9; 300]].concat())] };
        assert_eq!(memory.aes_256_keys().into_iter().collect::<Vec<_>>().concat(), hex(KEY));
        assert_eq!(memory.places(&hex(KEY)), ["x"]);
        assert!(memory.places(b"elsewhere").is_empty());
    }

    #[test]
    fn many_needles_are_found_wherever_they_lie() {
        let needles: Vec<Vec<u8>> = (1..=40_u8).map(|n| [&[n; 8][..], b"needle", &[n]].concat()).collect();
        let mut bytes = vec![0; 3 * STRETCH];
        // At the ends, across stretches, and one of which only the head is there.
        for (needle, at) in needles.iter().zip([0, STRETCH - 3, STRETCH + 100, 3 * STRETCH - 15]) {
            bytes[at..at + needle.len()].copy_from_slice(needle);
        }
        bytes[2 * STRETCH..2 * STRETCH + 14].copy_from_slice(&needles[9][..14]);
        let memory = Memory { pieces: vec![("x".into(), bytes), ("y".into(), needles[6].clone())] };
        let found = memory.find_all(needles.iter().map(Vec::as_slice));
        let expected = [(0, "x"), (1, "x"), (2, "x"), (3, "x"), (6, "y")];
        assert_eq!(found, expected.map(|(n, place): (usize, _)| (&needles[n][..], place)));
        assert!(memory.find_all([]).is_empty());
    }
}
