//! Files of the session on this computer's disk, on a thread of their own.
//!
//! What comes is written beside its place under a name of no meaning and gets its own name only when all of it is there
//! and is what was offered; until then, and if it is given up, nothing of it is seen. A file that exists is never replaced.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
};

use sha2::{Digest, Sha512};
use sotto_call::{FileReport, FileRequest, Input};
use sotto_session_api::Event;
use sotto_wire::file::{FileOffer, FileTag, MAX_FILE_LEN, MAX_FILE_NAME};
use tokio::sync::mpsc as tokio_mpsc;

use crate::engine::Message;

/// At most this many files of one name stand beside each other.
const MAX_NAMESAKES: u32 = 99;

enum Task {
    /// A person wants to send this one.
    Prepare(PathBuf),
    Do(FileRequest),
}

/// Hands requests to the thread; dropped, what is unfinished is removed.
pub(crate) struct Files(mpsc::Sender<Box<Task>>);

impl Files {
    pub(crate) fn start(messages: tokio_mpsc::Sender<Box<Message>>) -> io::Result<Self> {
        // Unbounded, because what waits is bounded: one piece of a file that is sent, and of one that comes no more than a
        // person has accepted, 100 MiB at most, where the disk is slower than the line.
        let (tasks, receiver) = mpsc::channel::<Box<Task>>();
        thread::Builder::new().name("files".into()).spawn(move || {
            let mut disk = Disk::default();
            while let Ok(task) = receiver.recv() {
                let answer = match *task {
                    Task::Prepare(path) => Some(disk.prepare(&path).map_or_else(
                        |_| Message::Event(Event::refused("E_FILE")),
                        |offer| Message::Input(Input::File(FileReport::Ready(Box::new(offer)))),
                    )),
                    Task::Do(request) => disk.request(request).map(|report| Message::Input(Input::File(report))),
                };
                if let Some(answer) = answer
                    && messages.blocking_send(Box::new(answer)).is_err()
                {
                    return;
                }
            }
        })?;
        Ok(Self(tasks))
    }

    pub(crate) fn prepare(&self, path: PathBuf) {
        let _ = self.0.send(Box::new(Task::Prepare(path)));
    }

    pub(crate) fn request(&self, request: FileRequest) {
        let _ = self.0.send(Box::new(Task::Do(request)));
    }
}

/// What is open: one file that is sent, one that may be sent next, one that comes.
#[derive(Default)]
struct Disk {
    ready: Vec<(FileTag, File)>,
    coming: Option<Coming>,
}

struct Coming {
    id: FileTag,
    folder: PathBuf,
    name: String,
    part: PathBuf,
    file: File,
    hash: Sha512,
    left: u64,
}

impl Drop for Coming {
    fn drop(&mut self) {
        // Whole, it has its own name by now.
        let _ = fs::remove_file(&self.part);
    }
}

impl Disk {
    /// Reads a file through.
    fn prepare(&mut self, path: &Path) -> io::Result<FileOffer> {
        let unfit = || io::Error::from(io::ErrorKind::InvalidInput);
        let name = path.file_name().and_then(|name| name.to_str()).filter(|name| name.len() <= MAX_FILE_NAME);
        let name = name.ok_or_else(unfit)?.to_owned();
        // A pipe or a device would never end.
        if !fs::metadata(path)?.is_file() {
            return Err(unfit());
        }
        let mut file = File::open(path)?;
        let mut hash = Sha512::new();
        let (mut size, mut piece) = (0, vec![0; 64 * 1024]);
        loop {
            let len = file.read(&mut piece)?;
            size += len as u64;
            if len == 0 && size > 0 {
                break;
            }
            if len == 0 || size > MAX_FILE_LEN {
                return Err(unfit());
            }
            hash.update(&piece[..len]);
        }
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(io::Error::other)?;
        self.ready.push((id, file));
        Ok(FileOffer { id, size, sha512: hash.finalize().into(), name })
    }

    fn request(&mut self, request: FileRequest) -> Option<FileReport> {
        let (id, done) = match request {
            FileRequest::Read { id, offset, len } => (id, self.read(id, offset, len).map(Some)),
            FileRequest::Create { id, folder, name, size } => (id, self.create(id, folder, name, size).map(Some)),
            FileRequest::Write(id, data) => (id, self.write(id, &data).map(|()| None)),
            FileRequest::Finish(id, sha512) => (id, self.finish(id, &sha512).map(Some)),
            FileRequest::Drop(id) => {
                self.forget(id);
                return None;
            }
        };
        done.unwrap_or_else(|error| {
            tracing::warn!(kind = ?error.kind(), "a file of the session could not be read or written");
            self.forget(id);
            Some(FileReport::Failed(id))
        })
    }

    fn forget(&mut self, id: FileTag) {
        self.ready.retain(|(ready, _)| *ready != id);
        self.coming.take_if(|coming| coming.id == id);
    }

    fn read(&mut self, id: FileTag, offset: u64, len: usize) -> io::Result<FileReport> {
        let (_, file) = self.ready.iter_mut().find(|(ready, _)| *ready == id).ok_or(io::ErrorKind::NotFound)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut data = vec![0; len];
        file.read_exact(&mut data)?;
        Ok(FileReport::Read(id, data))
    }

    fn create(&mut self, id: FileTag, folder: PathBuf, name: String, size: u64) -> io::Result<FileReport> {
        let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let part = folder.join(format!(".{hex}.part"));
        let file = owner_only().write(true).create_new(true).open(&part)?;
        self.coming = Some(Coming { id, folder, name, part, file, hash: Sha512::new(), left: size });
        Ok(FileReport::Created(id))
    }

    fn coming(&mut self, id: FileTag) -> io::Result<&mut Coming> {
        self.coming.as_mut().filter(|coming| coming.id == id).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn write(&mut self, id: FileTag, data: &[u8]) -> io::Result<()> {
        let coming = self.coming(id)?;
        coming.left = coming.left.checked_sub(data.len() as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        coming.hash.update(data);
        coming.file.write_all(data)
    }

    fn finish(&mut self, id: FileTag, sha512: &[u8; 64]) -> io::Result<FileReport> {
        let coming = self.coming(id)?;
        coming.file.sync_all()?;
        let found: [u8; 64] = core::mem::take(&mut coming.hash).finalize().into();
        if coming.left != 0 || found != *sha512 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let place = free_place(&coming.folder, &coming.name)?;
        fs::rename(&coming.part, &place).inspect_err(|_| {
            let _ = fs::remove_file(&place);
        })?;
        self.coming = None;
        Ok(FileReport::Stored(id))
    }
}

/// An empty file under this name or one beside it, so that nothing that exists is replaced.
fn free_place(folder: &Path, name: &str) -> io::Result<PathBuf> {
    for number in 1..=MAX_NAMESAKES {
        let place = folder.join(namesake(name, number));
        match owner_only().write(true).create_new(true).open(&place) {
            Ok(_) => return Ok(place),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// `report.pdf`, `report (2).pdf`, …
fn namesake(name: &str, number: u32) -> String {
    match name.rsplit_once('.') {
        _ if number == 1 => name.to_owned(),
        Some((stem, extension)) if !stem.is_empty() => format!("{stem} ({number}).{extension}"),
        _ => format!("{name} ({number})"),
    }
}

fn owner_only() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "the mode is a Unix thing"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("sotto-files-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn names(&self) -> Vec<String> {
            let mut names: Vec<String> =
                fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn create(disk: &mut Disk, id: u8, folder: &Folder, size: u64) -> Option<FileReport> {
        disk.request(FileRequest::Create { id: [id; 16], folder: folder.0.clone(), name: "a.txt".into(), size })
    }

    fn finish(disk: &mut Disk, id: u8, content: &[u8]) -> Option<FileReport> {
        disk.request(FileRequest::Finish([id; 16], Box::new(Sha512::digest(content).into())))
    }

    #[test]
    fn what_exists_is_never_replaced_and_nothing_is_seen_before_it_is_whole() {
        let folder = Folder::new("whole");
        fs::write(folder.0.join("a.txt"), "mine").unwrap();
        let mut disk = Disk::default();
        for id in 1..=2 {
            assert!(matches!(create(&mut disk, id, &folder, 4), Some(FileReport::Created(_))));
            assert!(disk.request(FileRequest::Write([id; 16], b"th".to_vec())).is_none());
            assert!(folder.names().iter().filter(|name| name.ends_with(".part")).count() == 1);
            assert!(disk.request(FileRequest::Write([id; 16], b"em".to_vec())).is_none());
            assert!(matches!(finish(&mut disk, id, b"them"), Some(FileReport::Stored(_))));
        }
        assert_eq!(folder.names(), ["a (2).txt", "a (3).txt", "a.txt"]);
        assert_eq!(fs::read(folder.0.join("a.txt")).unwrap(), b"mine");
        assert_eq!(fs::read(folder.0.join("a (3).txt")).unwrap(), b"them");
    }

    #[test]
    fn what_is_given_up_too_long_cut_short_or_changed_leaves_nothing() {
        let folder = Folder::new("nothing");
        let mut disk = Disk::default();
        for case in 0..5 {
            create(&mut disk, 1, &folder, 4);
            let id = [1; 16];
            let report = match case {
                0 => disk.request(FileRequest::Drop(id)),
                1 => disk.request(FileRequest::Write(id, b"fives".to_vec())),
                2 => finish(&mut disk, 1, b""),
                3 => {
                    disk.request(FileRequest::Write(id, b"four".to_vec()));
                    finish(&mut disk, 1, b"FOUR")
                }
                _ => {
                    disk = Disk::default();
                    None
                }
            };
            assert_eq!(matches!(report, Some(FileReport::Failed(_))), (1..=3).contains(&case), "{case}");
            assert!(folder.names().is_empty(), "{case}: {:?}", folder.names());
        }
        let missing = Folder(folder.0.join("missing"));
        assert!(matches!(create(&mut disk, 1, &missing, 4), Some(FileReport::Failed(_))));
    }

    #[test]
    fn a_file_is_offered_as_it_is_and_what_can_not_be_sent_is_not() {
        let folder = Folder::new("offered");
        let path = folder.0.join("b.txt");
        fs::write(&path, b"content").unwrap();
        let mut disk = Disk::default();
        let offer = disk.prepare(&path).unwrap();
        assert_eq!((offer.size, &*offer.name), (7, "b.txt"));
        assert_eq!(offer.sha512, <[u8; 64]>::from(Sha512::digest(b"content")));
        let read = |disk: &mut Disk, offset, len| disk.request(FileRequest::Read { id: offer.id, offset, len });
        assert!(matches!(read(&mut disk, 3, 4), Some(FileReport::Read(_, data)) if data == b"tent"));
        assert!(matches!(read(&mut disk, 3, 5), Some(FileReport::Failed(_))), "it has become shorter");
        assert!(matches!(read(&mut disk, 0, 1), Some(FileReport::Failed(_))), "given up");
        for (name, len) in [("empty", 0), ("long", MAX_FILE_LEN + 1)] {
            let path = folder.0.join(name);
            File::create(&path).unwrap().set_len(len).unwrap();
            assert!(disk.prepare(&path).is_err(), "{name}");
        }
        assert!(disk.prepare(&folder.0).is_err() && disk.prepare(&folder.0.join("missing")).is_err());
    }
}
