//! Files of the session (PROTOCOL §8): one in each direction, offered, accepted, sent piece by piece.
//!
//! The next piece is read when the last one is on its way, and not before [`PACE_MS`] have passed: a file must not take
//! the place of sound. What comes out of order ends the file, never the session.

use std::path::PathBuf;

use sotto_session_api::{FileId, FileStage, FileState};
use sotto_wire::file::{FileMessage, FileOffer, FileTag, MAX_CHUNK};

use super::*;
use crate::io::{FileReport, FileRequest};

/// From one piece to the next, at least: 16 000 bytes each make at most 1 Mbit/s, whatever the line could take. Sound
/// comes first, and an END must not wait behind a heap of pieces.
const PACE_MS: u64 = 128;
/// A file tells how far it is this often.
const PARTS: u64 = 20;

#[derive(Default)]
pub(super) struct Files {
    sending: Option<Sending>,
    receiving: Option<Receiving>,
    /// An offer that overtook the other side's SAS_RESULT, which travels on another stream.
    early: Option<FileOffer>,
}

struct Sending {
    offer: Box<FileOffer>,
    /// Bytes on their way.
    offset: u64,
    is_accepted: bool,
    /// When the next piece may be asked for; `None` while one is under way.
    next_ms: Option<u64>,
}

struct Receiving {
    offer: Box<FileOffer>,
    received: u64,
    stage: Progress,
}

/// Where a file that comes is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// The person has not answered.
    Asked,
    /// A place is made for it.
    Making,
    Open,
    /// All of it came; its hash is compared.
    Finishing,
}

impl Files {
    pub(super) fn wake_at(&self) -> Option<u64> {
        self.sending.as_ref().filter(|sending| sending.is_accepted).and_then(|sending| sending.next_ms)
    }
}

fn tell(ctx: &mut Ctx<'_>, offer: &FileOffer, own: bool, done: u64, stage: FileStage) {
    let name = file_name(&offer.name).into();
    ctx.event(Event::File(FileState { id: FileId(offer.id), own, name, size: offer.size, done, stage }));
}

/// Whether a step from here to there is worth telling.
fn is_step(size: u64, from: u64, to: u64) -> bool {
    from * PARTS / size != to * PARTS / size
}

/// The last component of what somebody calls a file, as a name that every system takes.
pub(crate) fn file_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = displayable(last)
        .chars()
        .map(|c| if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '\n') { '_' } else { c })
        .collect();
    let clean = clean.trim_start_matches(['.', ' ']).trim_end_matches(['.', ' ']);
    let stem = clean.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let is_device = matches!(&*stem, "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")));
    match clean {
        "" => "file".to_owned(),
        _ if is_device => format!("_{clean}"),
        _ => clean.to_owned(),
    }
}

impl Call {
    fn file(&mut self, ctx: &mut Ctx<'_>, message: &FileMessage) {
        self.seal(ctx, TrackId::File, message.mtype(), &message.encode_data());
    }

    /// What the disk says.
    pub(crate) fn file_report(&mut self, ctx: &mut Ctx<'_>, report: FileReport) {
        match report {
            FileReport::Ready(offer) => {
                let refusal = match self.stage {
                    Stage::Open if self.files.sending.is_none() => None,
                    Stage::Open => Some("E_FILE_BUSY"),
                    _ => Some("E_NOT_NOW"),
                };
                if let Some(code) = refusal {
                    ctx.refuse(code);
                    ctx.file(FileRequest::Drop(offer.id));
                    return;
                }
                self.file(ctx, &FileMessage::Offer((*offer).clone()));
                tell(ctx, &offer, true, 0, FileStage::Offered);
                self.files.sending = Some(Sending { offer, offset: 0, is_accepted: false, next_ms: None });
            }
            FileReport::Read(id, data) => self.piece_read(ctx, id, data),
            FileReport::Created(id) => {
                if let Some(receiving) = self.receiving(id, Progress::Making) {
                    receiving.stage = Progress::Open;
                    tell(ctx, &receiving.offer, false, 0, FileStage::Running);
                    self.file(ctx, &FileMessage::Accept(id));
                }
            }
            FileReport::Stored(id) => {
                if self.receiving(id, Progress::Finishing).is_some()
                    && let Some(Receiving { offer, .. }) = self.files.receiving.take()
                {
                    tell(ctx, &offer, false, offer.size, FileStage::Complete);
                }
            }
            FileReport::Failed(id) => {
                let is_ours = self.files.sending.as_ref().is_some_and(|sending| sending.offer.id == id);
                let comes = self.files.receiving.as_ref().is_some_and(|receiving| receiving.offer.id == id);
                if is_ours || comes {
                    ctx.notice(if is_ours { "E_FILE" } else { "E_FILE_STORE" }, Severity::Warning);
                    self.file(ctx, &FileMessage::Refuse(id));
                    self.give_up_file(ctx, id, FileStage::Failed);
                }
            }
        }
    }

    fn receiving(&mut self, id: FileTag, stage: Progress) -> Option<&mut Receiving> {
        self.files.receiving.as_mut().filter(|receiving| receiving.offer.id == id && receiving.stage == stage)
    }

    fn piece_read(&mut self, ctx: &mut Ctx<'_>, id: FileTag, data: Vec<u8>) {
        let Some(sending) = self.files.sending.as_mut().filter(|sending| sending.offer.id == id) else { return };
        let (offset, size) = (sending.offset, sending.offer.size);
        if data.len() != piece_len(size, offset) {
            // It has become shorter since it was offered.
            return self.file_report(ctx, FileReport::Failed(id));
        }
        sending.offset += data.len() as u64;
        if is_step(size, offset, sending.offset) && sending.offset < size {
            tell(ctx, &sending.offer, true, sending.offset, FileStage::Running);
        }
        self.file(ctx, &FileMessage::Chunk { id, offset, data });
    }

    /// A record of a file is on its way.
    pub(super) fn file_sent(&mut self, ctx: &mut Ctx<'_>) {
        let Some(sending) = self.files.sending.as_mut().filter(|sending| sending.is_accepted && sending.offset > 0)
        else {
            return;
        };
        if sending.offset < sending.offer.size {
            sending.next_ms.get_or_insert(ctx.now.mono_ms.saturating_add(PACE_MS));
        } else if let Some(Sending { offer, .. }) = self.files.sending.take() {
            self.file(ctx, &FileMessage::Done(offer.id));
            tell(ctx, &offer, true, offer.size, FileStage::Complete);
            ctx.file(FileRequest::Drop(offer.id));
        }
    }

    /// The next piece, when it may be asked for.
    pub(super) fn move_files(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now.mono_ms;
        if let Some(sending) = &mut self.files.sending
            && sending.next_ms.take_if(|at| now >= *at).is_some()
        {
            let (id, offset) = (sending.offer.id, sending.offset);
            ctx.file(FileRequest::Read { id, offset, len: piece_len(sending.offer.size, offset) });
        }
    }

    /// Only in G2: the other side has compared too (PROTOCOL §8).
    pub(super) fn file_message(&mut self, ctx: &mut Ctx<'_>, message: FileMessage) {
        match (&self.stage, message) {
            (Stage::Open, message) => self.open_file_message(ctx, message),
            (stage, FileMessage::Offer(offer)) if records::awaits_result(stage) && self.files.early.is_none() => {
                self.files.early = Some(offer);
            }
            // What was on its way when somebody pressed End.
            (Stage::Ending(_), _) => {}
            _ => self.fail(ctx, "E_DATA_ORDER"),
        }
    }

    fn open_file_message(&mut self, ctx: &mut Ctx<'_>, message: FileMessage) {
        match message {
            FileMessage::Offer(offer) => self.file_offered(ctx, offer),
            FileMessage::Accept(id) => {
                if let Some(sending) = &mut self.files.sending
                    && sending.offer.id == id
                    && !core::mem::replace(&mut sending.is_accepted, true)
                {
                    sending.next_ms = Some(ctx.now.mono_ms);
                    tell(ctx, &sending.offer, true, 0, FileStage::Running);
                    self.move_files(ctx);
                }
            }
            FileMessage::Refuse(id) => self.give_up_file(ctx, id, FileStage::Refused),
            FileMessage::Chunk { id, offset, data } => {
                // Pieces of a file that was given up meanwhile are nobody's.
                let Some(receiving) = self.receiving(id, Progress::Open) else { return };
                let (from, size) = (receiving.received, receiving.offer.size);
                if offset != from || data.len() as u64 > size - from {
                    self.file(ctx, &FileMessage::Refuse(id));
                    return self.give_up_file(ctx, id, FileStage::Failed);
                }
                receiving.received += data.len() as u64;
                if is_step(size, from, receiving.received) && receiving.received < size {
                    tell(ctx, &receiving.offer, false, receiving.received, FileStage::Running);
                }
                ctx.file(FileRequest::Write(id, data));
            }
            FileMessage::Done(id) => {
                let Some(receiving) = self.receiving(id, Progress::Open) else { return };
                if receiving.received == receiving.offer.size {
                    receiving.stage = Progress::Finishing;
                    ctx.file(FileRequest::Finish(id, Box::new(receiving.offer.sha512)));
                } else {
                    self.give_up_file(ctx, id, FileStage::Failed);
                }
            }
        }
    }

    fn file_offered(&mut self, ctx: &mut Ctx<'_>, offer: FileOffer) {
        let is_ours = self.files.sending.as_ref().is_some_and(|sending| sending.offer.id == offer.id);
        if self.files.receiving.is_some() || is_ours {
            return self.file(ctx, &FileMessage::Refuse(offer.id));
        }
        tell(ctx, &offer, false, 0, FileStage::Offered);
        self.files.receiving = Some(Receiving { offer: Box::new(offer), received: 0, stage: Progress::Asked });
    }

    /// What came before this side was open.
    pub(super) fn open_files(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(offer) = self.files.early.take() {
            self.file_offered(ctx, offer);
        }
    }

    pub(crate) fn accept_file(&mut self, ctx: &mut Ctx<'_>, file: FileId, folder: PathBuf) {
        match self.receiving(file.0, Progress::Asked) {
            Some(receiving) => {
                receiving.stage = Progress::Making;
                let (name, size) = (file_name(&receiving.offer.name), receiving.offer.size);
                ctx.file(FileRequest::Create { id: file.0, folder, name, size });
            }
            None => ctx.refuse("E_UNKNOWN_FILE"),
        }
    }

    pub(crate) fn refuse_file(&mut self, ctx: &mut Ctx<'_>, file: FileId) {
        let sends = self.files.sending.as_ref().is_some_and(|sending| sending.offer.id == file.0);
        let receives = self.files.receiving.as_ref().is_some_and(|receiving| receiving.offer.id == file.0);
        if sends || receives {
            self.file(ctx, &FileMessage::Refuse(file.0));
            self.give_up_file(ctx, file.0, FileStage::Refused);
        } else {
            ctx.refuse("E_UNKNOWN_FILE");
        }
    }

    fn give_up_file(&mut self, ctx: &mut Ctx<'_>, id: FileTag, stage: FileStage) {
        if let Some(Sending { offer, offset, .. }) = self.files.sending.take_if(|sending| sending.offer.id == id) {
            tell(ctx, &offer, true, offset, stage);
            ctx.file(FileRequest::Drop(id));
        }
        if let Some(Receiving { offer, received, .. }) = self.files.receiving.take_if(|file| file.offer.id == id) {
            tell(ctx, &offer, false, received, stage);
            ctx.file(FileRequest::Drop(id));
        }
    }

    /// The session is over, and with it what was on its way.
    pub(super) fn drop_files(&mut self, ctx: &mut Ctx<'_>) {
        let ours = self.files.sending.as_ref().map(|sending| sending.offer.id);
        let theirs = self.files.receiving.as_ref().map(|receiving| receiving.offer.id);
        for id in [ours, theirs].into_iter().flatten() {
            self.give_up_file(ctx, id, FileStage::Failed);
        }
        self.files.early = None;
    }
}

/// How long the piece that begins here is.
fn piece_len(size: u64, offset: u64) -> usize {
    usize::try_from(size - offset).unwrap_or(usize::MAX).min(MAX_CHUNK)
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_name_from_outside_is_one_component_that_every_system_takes() {
        for (given, name) in [
            ("Übung 3.pdf", "Übung 3.pdf"),
            ("../../.ssh/authorized_keys", "authorized_keys"),
            ("C:\\Windows\\system32\\evil.dll", "evil.dll"),
            ("/etc/passwd", "passwd"),
            (".bashrc", "bashrc"),
            ("..", "file"),
            ("a/", "file"),
            ("", "file"),
            ("a\u{202e}fdp.exe", "afdp.exe"),
            ("line\nbreak\0.txt", "line_break.txt"),
            ("what?.txt. ", "what_.txt"),
            ("con.txt", "_con.txt"),
            ("LPT1", "_LPT1"),
        ] {
            assert_eq!(file_name(given), name, "{given:?}");
        }
    }
}
