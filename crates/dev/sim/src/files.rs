//! A disk for files of the session, in memory.

use std::{collections::BTreeMap, path::PathBuf};

use sotto_call::{FileReport, FileRequest};
use sotto_identity::derive;
use sotto_wire::file::{FileOffer, FileTag};

/// What one side sends, and what it has stored.
#[derive(Default)]
pub struct Files {
    /// Whole files under their folder and name.
    pub stored: BTreeMap<(PathBuf, String), Vec<u8>>,
    /// No file can be made any more.
    pub is_full: bool,
    /// What is on its way out, by name.
    ready: BTreeMap<FileTag, Vec<u8>>,
    parts: BTreeMap<FileTag, (PathBuf, String, Vec<u8>)>,
}

impl Files {
    /// What the shell would report of a file that is to be sent.
    pub fn ready(&mut self, id: FileTag, name: &str, content: &[u8]) -> FileReport {
        self.ready.insert(id, content.to_owned());
        let offer = FileOffer { id, size: content.len() as u64, sha512: hash(content), name: name.to_owned() };
        FileReport::Ready(Box::new(offer))
    }

    /// What is neither whole nor given up: files that are sent, and parts that came.
    #[must_use]
    pub fn open(&self) -> usize {
        self.ready.len() + self.parts.len()
    }

    pub(crate) fn request(&mut self, request: FileRequest) -> Option<FileReport> {
        match request {
            FileRequest::Read { id, offset, len } => {
                let content = self.ready.get(&id)?;
                let from = usize::try_from(offset).ok()?.min(content.len());
                let piece = content[from..content.len().min(from + len)].to_vec();
                Some(FileReport::Read(id, piece))
            }
            FileRequest::Create { id, .. } if self.is_full => Some(FileReport::Failed(id)),
            FileRequest::Create { id, folder, name, .. } => {
                self.parts.insert(id, (folder, name, Vec::new()));
                Some(FileReport::Created(id))
            }
            FileRequest::Write(id, data) => {
                self.parts.get_mut(&id)?.2.extend(data);
                None
            }
            FileRequest::Finish(id, sha512) => {
                let (folder, name, content) = self.parts.remove(&id)?;
                if hash(&content) != *sha512 {
                    return Some(FileReport::Failed(id));
                }
                self.stored.insert((folder, name), content);
                Some(FileReport::Stored(id))
            }
            FileRequest::Drop(id) => {
                self.ready.remove(&id);
                self.parts.remove(&id);
                None
            }
        }
    }
}

/// Stands for SHA-512: the machine never looks at it.
fn hash(content: &[u8]) -> [u8; 64] {
    derive::hash("a file", &[content])
}
