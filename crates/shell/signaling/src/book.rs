//! What the engine asked for and what the server has answered: which answer belongs to which request, and what
//! has to be asked again after a reconnect. No socket, no clock.

use std::collections::{BTreeMap, HashMap, VecDeque};

use sotto_wire::server::{ClientFrame, ErrorCode, MailboxId, Nameplate, ServerFrame};

use crate::{OfflineReason, RefusedRequest, Report, Request};

/// Requests that may wait for an answer (or for a connection) until new ones are refused.
const OPEN_QUESTIONS: usize = 64;

/// The server's answers to these come in the order of the requests.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Question {
    Alloc,
    Claim(Nameplate),
    Open(MailboxId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnChannel {
    Add,
    Turn,
}

/// A side that the engine wants.
struct Wanted {
    side: u8,
    owner: [u8; 16],
    channel: Option<u16>,
    /// OPENs on their way; only the answer to the last one counts.
    opening: u32,
    /// TURN asked before the side was open.
    turns: usize,
    /// DONE asked before the side was open.
    done: bool,
}

struct Channel {
    mailbox: MailboxId,
    /// Closed or reopened by us: what still comes is passed on, its end is no news.
    left: bool,
}

/// See the module.
#[derive(Default)]
pub struct Book {
    online: bool,
    wanted: BTreeMap<MailboxId, Wanted>,
    channels: HashMap<u16, Channel>,
    questions: VecDeque<Question>,
    on_channel: VecDeque<(u16, MailboxId, OnChannel)>,
    frames: VecDeque<ClientFrame>,
    reports: VecDeque<Report>,
}

impl Book {
    /// The next frame to send.
    pub fn frame(&mut self) -> Option<ClientFrame> {
        drained(&mut self.frames)
    }

    /// The next report for the engine.
    pub fn report(&mut self) -> Option<Report> {
        drained(&mut self.reports)
    }

    /// Whether the server owes an answer.
    pub fn awaits_answer(&self) -> bool {
        self.online && !(self.questions.is_empty() && self.on_channel.is_empty())
    }

    /// WELCOME came: says HELLO and asks again for everything that is still wanted.
    pub fn online(&mut self, unix_time: u64, turn: bool) {
        self.online = true;
        self.frames.push_back(ClientFrame::Hello { version: 1, pow: 0, token: Vec::new() });
        self.reports.push_back(Report::Online { unix_time, turn });
        for question in &self.questions {
            self.frames.extend(match question {
                Question::Alloc => Some(ClientFrame::Alloc),
                Question::Claim(nameplate) => Some(ClientFrame::Claim(nameplate.clone())),
                Question::Open(_) => None,
            });
        }
        for mailbox in self.wanted.keys().copied().collect::<Vec<_>>() {
            self.ask_open(mailbox);
        }
    }

    /// The connection is gone.
    pub fn offline(&mut self, reason: OfflineReason, retry_ms: u64) {
        self.online = false;
        self.frames.clear();
        self.channels.clear();
        self.questions.retain(|question| !matches!(question, Question::Open(_)));
        for (_, mailbox, what) in std::mem::take(&mut self.on_channel) {
            match what {
                OnChannel::Add => self.reports.push_back(Report::Lost(mailbox)),
                OnChannel::Turn => match self.wanted.get_mut(&mailbox) {
                    Some(wanted) => wanted.turns += 1,
                    None => self.refuse_turn(mailbox, ErrorCode::Busy),
                },
            }
        }
        for wanted in self.wanted.values_mut() {
            wanted.channel = None;
            wanted.opening = 0;
        }
        self.reports.push_back(Report::Offline { reason, retry_ms });
    }

    /// A request of the engine.
    pub fn request(&mut self, request: Request) {
        match request {
            Request::Alloc if self.questions.len() >= OPEN_QUESTIONS => {
                self.refuse(RefusedRequest::Alloc, ErrorCode::Limit);
            }
            Request::Claim(nameplate) if self.questions.len() >= OPEN_QUESTIONS => {
                self.refuse(RefusedRequest::Claim(nameplate), ErrorCode::Limit);
            }
            Request::Alloc => self.ask(Question::Alloc, ClientFrame::Alloc),
            Request::Claim(nameplate) => self.ask(Question::Claim(nameplate.clone()), ClientFrame::Claim(nameplate)),
            Request::Open { mailbox, side, owner } => self.open(mailbox, side, owner),
            Request::Send { mailbox, cell } => match self.channel(&mailbox) {
                Some(channel) => {
                    self.on_channel.push_back((channel, mailbox, OnChannel::Add));
                    self.frames.push_back(ClientFrame::Add { channel, cell });
                }
                None => self.reports.push_back(Report::Lost(mailbox)),
            },
            Request::Close(mailbox) => self.close(mailbox),
            Request::Turn(mailbox) => match (self.channel(&mailbox), self.wanted.get_mut(&mailbox)) {
                (Some(channel), _) => self.ask_turn(mailbox, channel),
                (None, Some(wanted)) => wanted.turns += 1,
                (None, None) => self.refuse_turn(mailbox, ErrorCode::Busy),
            },
            Request::Kick(mailbox) => {
                let channel = self.channel(&mailbox);
                self.frames.extend(channel.map(ClientFrame::Kick));
            }
            Request::Done(mailbox) => match (self.channel(&mailbox), self.wanted.get_mut(&mailbox)) {
                (Some(channel), _) => self.frames.push_back(ClientFrame::Done(channel)),
                (None, Some(wanted)) => wanted.done = true,
                (None, None) => {}
            },
        }
    }

    /// A frame of the server.
    ///
    /// # Errors
    /// The reason to give this connection up.
    pub fn answer(&mut self, frame: ServerFrame) -> Result<(), OfflineReason> {
        match frame {
            ServerFrame::Allocated { nameplate, mailbox, ttl_s } => {
                self.expect(|question| matches!(question, Question::Alloc))?;
                self.reports.push_back(Report::Allocated { nameplate, mailbox, ttl_s });
            }
            ServerFrame::Claimed(mailbox) => {
                let question = self.expect(|question| matches!(question, Question::Claim(_)))?;
                if let Question::Claim(nameplate) = question {
                    self.reports.push_back(Report::Claimed { nameplate, mailbox });
                }
            }
            ServerFrame::Opened { channel, peer_present } => {
                let question = self.expect(|question| matches!(question, Question::Open(_)))?;
                if let Question::Open(mailbox) = question {
                    self.opened(mailbox, channel, peer_present);
                }
            }
            ServerFrame::Added(channel) => {
                self.take_on_channel(|entry| entry.0 == channel && entry.2 == OnChannel::Add);
            }
            ServerFrame::Closed(channel) => self.closed(channel),
            ServerFrame::TurnCredentials(credentials) => {
                // It names no channel; the server answers them in order.
                let (_, mailbox, _) =
                    self.take_on_channel(|entry| entry.2 == OnChannel::Turn).ok_or(OfflineReason::Protocol)?;
                self.reports.push_back(Report::Turn { mailbox, credentials });
            }
            ServerFrame::Pong(_) => {}
            ServerFrame::Message { channel, cell } => {
                if let Some(mailbox) = self.channels.get(&channel).map(|channel| channel.mailbox) {
                    self.reports.push_back(Report::Received { mailbox, cell });
                }
            }
            ServerFrame::Peer { channel, event } => {
                if let Some(Channel { mailbox, left: false }) = self.channels.get(&channel) {
                    self.reports.push_back(Report::Peer { mailbox: *mailbox, event });
                }
            }
            ServerFrame::Error { code: ErrorCode::BadFrame, .. } => return Err(OfflineReason::Protocol),
            ServerFrame::Error { channel: 0, code } => return self.question_refused(code),
            ServerFrame::Error { channel, code } => self.refused_on_channel(channel, code),
            // WELCOME comes first and once.
            ServerFrame::Welcome { .. } => return Err(OfflineReason::Protocol),
        }
        Ok(())
    }

    fn channel(&self, mailbox: &MailboxId) -> Option<u16> {
        self.wanted.get(mailbox)?.channel
    }

    fn ask(&mut self, question: Question, frame: ClientFrame) {
        self.questions.push_back(question);
        if self.online {
            self.frames.push_back(frame);
        }
    }

    fn ask_open(&mut self, mailbox: MailboxId) {
        let Some(wanted) = self.wanted.get_mut(&mailbox).filter(|_| self.online) else { return };
        wanted.opening += 1;
        let frame = ClientFrame::Open { mailbox, side: wanted.side, owner: wanted.owner };
        self.questions.push_back(Question::Open(mailbox));
        self.frames.push_back(frame);
    }

    fn ask_turn(&mut self, mailbox: MailboxId, channel: u16) {
        self.on_channel.push_back((channel, mailbox, OnChannel::Turn));
        self.frames.push_back(ClientFrame::Turn(channel));
    }

    fn open(&mut self, mailbox: MailboxId, side: u8, owner: [u8; 16]) {
        let entry = self.wanted.entry(mailbox);
        let wanted = entry.or_insert(Wanted { side, owner, channel: None, opening: 0, turns: 0, done: false });
        let same = (wanted.side, wanted.owner) == (side, owner);
        (wanted.side, wanted.owner) = (side, owner);
        if let Some(old) = wanted.channel.take() {
            // The server ends the old channel of the same side by itself; another side has to be given up.
            self.leave(old);
            if !same {
                self.frames.push_back(ClientFrame::Close(old));
            }
        }
        self.ask_open(mailbox);
    }

    fn close(&mut self, mailbox: MailboxId) {
        let Some(wanted) = self.wanted.remove(&mailbox) else { return };
        if let Some(channel) = wanted.channel {
            self.leave(channel);
            self.frames.push_back(ClientFrame::Close(channel));
        }
        for _ in 0..wanted.turns {
            self.refuse_turn(mailbox, ErrorCode::Busy);
        }
    }

    fn leave(&mut self, channel: u16) {
        if let Some(channel) = self.channels.get_mut(&channel) {
            channel.left = true;
        }
    }

    fn opened(&mut self, mailbox: MailboxId, channel: u16, peer_present: bool) {
        let wanted = self.wanted.get_mut(&mailbox);
        let last = wanted.map(|wanted| {
            wanted.opening = wanted.opening.saturating_sub(1);
            (wanted.opening == 0).then_some(wanted)
        });
        let Some(Some(wanted)) = last else {
            // Closed meanwhile, or opened once more: this one is not needed.
            self.channels.insert(channel, Channel { mailbox, left: true });
            self.frames.push_back(ClientFrame::Close(channel));
            return;
        };
        wanted.channel = Some(channel);
        let turns = std::mem::take(&mut wanted.turns);
        let done = std::mem::take(&mut wanted.done);
        self.channels.insert(channel, Channel { mailbox, left: false });
        self.reports.push_back(Report::Opened { mailbox, peer_present });
        if done {
            self.frames.push_back(ClientFrame::Done(channel));
        }
        for _ in 0..turns {
            self.ask_turn(mailbox, channel);
        }
    }

    fn closed(&mut self, channel: u16) {
        let entry = self.channels.remove(&channel);
        while let Some((_, mailbox, what)) = self.take_on_channel(|entry| entry.0 == channel) {
            match what {
                OnChannel::Add => self.reports.push_back(Report::Lost(mailbox)),
                OnChannel::Turn => self.refuse_turn(mailbox, ErrorCode::Busy),
            }
        }
        if let Some(Channel { mailbox, left: false }) = entry {
            self.wanted.remove(&mailbox);
            self.reports.push_back(Report::Closed(mailbox));
        }
    }

    fn question_refused(&mut self, code: ErrorCode) -> Result<(), OfflineReason> {
        let Some(question) = self.questions.pop_front() else {
            // Not an answer: the server has had enough of us and closes.
            return Err(if code == ErrorCode::Limit { OfflineReason::Full } else { OfflineReason::Protocol });
        };
        match question {
            Question::Alloc => self.refuse(RefusedRequest::Alloc, code),
            Question::Claim(nameplate) => self.refuse(RefusedRequest::Claim(nameplate), code),
            Question::Open(mailbox) => {
                if let Some(wanted) = self.wanted.get_mut(&mailbox) {
                    wanted.opening = wanted.opening.saturating_sub(1);
                    if wanted.opening == 0 {
                        self.close(mailbox);
                        self.refuse(RefusedRequest::Open(mailbox), code);
                    }
                }
            }
        }
        Ok(())
    }

    fn refused_on_channel(&mut self, channel: u16, code: ErrorCode) {
        let wanted = match code {
            ErrorCode::QueueFull => Some(OnChannel::Add),
            ErrorCode::NoTurn | ErrorCode::Token => Some(OnChannel::Turn),
            _ => None,
        };
        match self.take_on_channel(|entry| entry.0 == channel && wanted.is_none_or(|what| what == entry.2)) {
            Some((_, mailbox, OnChannel::Add)) => self.reports.push_back(Report::Lost(mailbox)),
            Some((_, mailbox, OnChannel::Turn)) => self.refuse_turn(mailbox, code),
            None => {}
        }
    }

    fn expect(&mut self, fits: impl Fn(&Question) -> bool) -> Result<Question, OfflineReason> {
        match self.questions.front() {
            Some(question) if fits(question) => self.questions.pop_front().ok_or(OfflineReason::Protocol),
            _ => Err(OfflineReason::Protocol),
        }
    }

    fn take_on_channel(
        &mut self,
        fits: impl Fn(&(u16, MailboxId, OnChannel)) -> bool,
    ) -> Option<(u16, MailboxId, OnChannel)> {
        let at = self.on_channel.iter().position(fits)?;
        self.on_channel.remove(at)
    }

    fn refuse(&mut self, request: RefusedRequest, code: ErrorCode) {
        self.reports.push_back(Report::Refused { request, code });
    }

    fn refuse_turn(&mut self, mailbox: MailboxId, code: ErrorCode) {
        self.refuse(RefusedRequest::Turn(mailbox), code);
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;

/// The first of a queue, which gives its slots back once it is empty: they keep the bytes of what was in them.
fn drained<T>(queue: &mut VecDeque<T>) -> Option<T> {
    let first = queue.pop_front();
    if queue.is_empty() {
        *queue = VecDeque::new();
    }
    first
}
