//! What stays behind of a session: in a window's files, in its log, and in its memory.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use crate::error::{Outcome, Trouble};

/// Larger stretches of memory are read piece by piece.
const PIECE: usize = 8 << 20;

/// Fails if one of these texts is in the files below this folder, in their names, or in the file beside it.
pub fn not_in_files(folder: &Path, log: &Path, texts: &[&str]) -> Outcome {
    let mut found = Vec::new();
    let mut files = 0;
    let mut folders = vec![folder.to_owned()];
    let mut look = |path: &Path| -> Outcome {
        files += 1;
        let name = path.display().to_string();
        let content = fs::read(path)?;
        for text in texts {
            if holds(&content, text) || path.file_name().is_some_and(|name| holds(name.as_encoded_bytes(), text)) {
                found.push(format!("“{text}” in {name}"));
            }
        }
        Ok(())
    };
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                look(&path)?;
            }
        }
    }
    look(log)?;
    if files < 2 {
        return Err(Trouble::new(format!("{files} files of a profile and its log: where is the rest?")));
    }
    if found.is_empty() { Ok(()) } else { Err(Trouble::new(found.join("; "))) }
}

/// In how many stretches of a program's memory each text is; nothing where it may not be read, which needs root.
pub fn in_memory(process: u32, texts: &[&str]) -> Option<Vec<usize>> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
    let mut file = File::open(format!("/proc/{process}/mem")).ok()?;
    let mut counts = vec![0; texts.len()];
    let longest = texts.iter().map(|text| text.len()).max()?;
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (Some(range), Some(rights)) = (words.next(), words.next()) else { continue };
        let place = words.nth(3).unwrap_or_default();
        let Some((from, to)) = range.split_once('-') else { continue };
        let (Ok(from), Ok(to)) = (u64::from_str_radix(from, 16), u64::from_str_radix(to, 16)) else { continue };
        if !rights.starts_with("rw") || place.starts_with("/dev/") {
            continue;
        }
        let mut at = from;
        while at < to {
            // What lies across two pieces is in the first one whole.
            let len = usize::try_from(to - at).unwrap_or(PIECE).min(PIECE + longest);
            let mut bytes = vec![0; len];
            file.seek(SeekFrom::Start(at)).ok()?;
            // What was given back meanwhile can't be read any more.
            if file.read_exact(&mut bytes).is_ok() {
                for (count, text) in counts.iter_mut().zip(texts) {
                    *count += usize::from(holds(&bytes, text));
                }
            }
            at += PIECE as u64;
        }
    }
    Some(counts)
}

fn holds(bytes: &[u8], text: &str) -> bool {
    let text = text.as_bytes();
    let Some(&first) = text.first() else { return false };
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|&byte| byte == first) {
        from += at + 1;
        if bytes[from..].starts_with(&text[1..]) {
            return true;
        }
    }
    false
}
