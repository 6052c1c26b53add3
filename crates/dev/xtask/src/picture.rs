//! The pictures that the report shows: two per side, of those that a side wrote while it saw them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Failure, Outcome};

/// A picture file smaller than this shows nothing: even a plain 640×480 PNG is larger.
const LEAST_BYTES: u64 = 600;

/// Copies two pictures of `from` to `to`, named after `side`: one of the first third, the last one.
pub(crate) fn keep_two(from: &Path, to: &Path, side: &str) -> Outcome<Vec<PathBuf>> {
    let mut all: Vec<PathBuf> = fs::read_dir(from)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "png"))
        .filter(|path| fs::metadata(path).is_ok_and(|data| data.len() >= LEAST_BYTES))
        .collect();
    all.sort();
    let chosen = match all.as_slice() {
        [] | [_] => return Err(Failure::new(format!("{side} saw {} pictures, two at least were expected", all.len()))),
        many => [&many[many.len() / 3], &many[many.len() - 1]],
    };
    let mut kept = Vec::new();
    for (number, path) in chosen.into_iter().enumerate() {
        let target = to.join(format!("{side}-saw-{}.png", number + 1));
        fs::copy(path, &target)?;
        kept.push(target);
    }
    Ok(kept)
}

/// Number of pictures in a folder.
pub(crate) fn count(folder: &Path) -> usize {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "png"))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_are_kept_and_empty_ones_are_not_pictures() {
        let folder = std::env::temp_dir().join(format!("xtask-picture-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("0001.png"), [7; 10]).unwrap();
        assert!(keep_two(&folder, &folder, "nobody").is_err());
        for number in 2..8_u8 {
            fs::write(folder.join(format!("000{number}.png")), vec![number; 1000]).unwrap();
        }
        let target = folder.join("kept");
        fs::create_dir_all(&target).unwrap();
        let kept = keep_two(&folder, &target, "client").unwrap();
        assert_eq!(kept, [target.join("client-saw-1.png"), target.join("client-saw-2.png")]);
        assert_eq!(fs::read(&kept[1]).unwrap()[0], 7, "the last one is kept");
        assert_eq!(count(&folder), 7);
        fs::remove_dir_all(folder).unwrap();
    }
}
