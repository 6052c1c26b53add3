//! The rendezvous logic with one connection for each side, as `sotto-signaling` would hold it.

use std::collections::{HashMap, VecDeque};

use sotto_call::{ServerReport, ServerRequest};
use sotto_mailbox::{AddressKey, ConnectionId, Input, Limits, Now, Output, Rendezvous};
use sotto_wire::server::{ClientFrame, ErrorCode, MailboxId, ServerFrame, TurnCredentials};

use crate::{SeededRng, Who};

enum Asked {
    Alloc,
    Claim,
    Open(MailboxId),
}

struct Channel {
    mailbox: MailboxId,
    /// Closed or opened again by its side: what still comes is passed on, its end is no news.
    is_left: bool,
}

#[derive(Default)]
struct Connection {
    id: u64,
    channels: HashMap<u16, Channel>,
    asked: VecDeque<Asked>,
    turn: VecDeque<MailboxId>,
}

pub(crate) struct Server {
    logic: Rendezvous,
    connections: [Option<Connection>; 2],
    /// A third computer's, and what it was told.
    stranger: Option<ConnectionId>,
    told: Vec<ServerFrame>,
    next: u64,
    rng: SeededRng,
    reports: Vec<(Who, ServerReport)>,
}

impl Connection {
    /// The channel that a side uses for a mailbox.
    fn channel(&mut self, mailbox: MailboxId) -> Option<(u16, &mut Channel)> {
        let mut own = self.channels.iter_mut().filter(|(_, own)| own.mailbox == mailbox && !own.is_left);
        own.next().map(|(number, channel)| (*number, channel))
    }

    /// Gives a mailbox up on this side.
    fn leave(&mut self, mailbox: MailboxId) -> Option<u16> {
        let (number, channel) = self.channel(mailbox)?;
        channel.is_left = true;
        Some(number)
    }
}

impl Server {
    pub(crate) fn new(seed: u64) -> Self {
        let limits = Limits::default();
        let (logic, rng) = (Rendezvous::new(limits, true), SeededRng::new(seed));
        let (connections, stranger) = ([None, None], None);
        Self { logic, connections, stranger, told: Vec::new(), next: 1, rng, reports: Vec::new() }
    }

    /// A frame of a third computer, which connects and greets before its first one; what comes of it for the two.
    pub(crate) fn stranger(&mut self, now: Now, frame: &ClientFrame) -> Vec<(Who, ServerReport)> {
        let connection = self.stranger.unwrap_or_else(|| {
            let connection = ConnectionId(self.next);
            self.next += 1;
            self.logic.handle(now, Input::Connected { connection, address: AddressKey([2; 16]) }, &mut self.rng);
            let hello = ClientFrame::Hello { version: 1, pow: 0, token: Vec::new() }.encode();
            self.logic.handle(now, Input::Frame { connection, bytes: &hello }, &mut self.rng);
            connection
        });
        self.stranger = Some(connection);
        self.logic.handle(now, Input::Frame { connection, bytes: &frame.encode() }, &mut self.rng);
        self.drain();
        core::mem::take(&mut self.reports)
    }

    /// What the third computer was told since this was last asked.
    pub(crate) fn told_stranger(&mut self) -> Vec<ServerFrame> {
        core::mem::take(&mut self.told)
    }

    /// Asks for one side; what comes of it, for both.
    pub(crate) fn request(&mut self, now: Now, who: Who, request: ServerRequest) -> Vec<(Who, ServerReport)> {
        if self.connections[who as usize].is_none() {
            let id = self.next;
            self.next += 1;
            self.connections[who as usize] = Some(Connection { id, ..Connection::default() });
            let connection = ConnectionId(id);
            let address = AddressKey([who as u8; 16]);
            self.logic.handle(now, Input::Connected { connection, address }, &mut self.rng);
            self.drain();
            self.frame(now, who, &ClientFrame::Hello { version: 1, pow: 0, token: Vec::new() });
        }
        let Some(connection) = &mut self.connections[who as usize] else { return Vec::new() };
        let frame = match request {
            ServerRequest::Alloc => {
                connection.asked.push_back(Asked::Alloc);
                Some(ClientFrame::Alloc)
            }
            ServerRequest::Claim(nameplate) => {
                connection.asked.push_back(Asked::Claim);
                Some(ClientFrame::Claim(nameplate))
            }
            ServerRequest::Open { mailbox, side, owner, .. } => {
                connection.leave(mailbox);
                connection.asked.push_back(Asked::Open(mailbox));
                Some(ClientFrame::Open { mailbox, side, owner })
            }
            ServerRequest::Send(mailbox, cell) => {
                connection.channel(mailbox).map(|(channel, _)| ClientFrame::Add { channel, cell })
            }
            ServerRequest::Close(mailbox) => connection.leave(mailbox).map(ClientFrame::Close),
            ServerRequest::Turn(mailbox) => {
                let frame = connection.channel(mailbox).map(|(channel, _)| ClientFrame::Turn(channel));
                if frame.is_some() {
                    connection.turn.push_back(mailbox);
                }
                frame
            }
            ServerRequest::Kick(mailbox) => connection.channel(mailbox).map(|(channel, _)| ClientFrame::Kick(channel)),
            ServerRequest::Done(mailbox) => connection.channel(mailbox).map(|(channel, _)| ClientFrame::Done(channel)),
        };
        if let Some(frame) = frame {
            self.frame(now, who, &frame);
        }
        core::mem::take(&mut self.reports)
    }

    pub(crate) fn disconnect(&mut self, now: Now, who: Who) -> Vec<(Who, ServerReport)> {
        if let Some(connection) = self.connections[who as usize].take() {
            self.logic.handle(now, Input::Disconnected { connection: ConnectionId(connection.id) }, &mut self.rng);
            self.drain();
        }
        core::mem::take(&mut self.reports)
    }

    pub(crate) fn tick(&mut self, now: Now) -> Vec<(Who, ServerReport)> {
        self.logic.handle(now, Input::Tick, &mut self.rng);
        self.drain();
        core::mem::take(&mut self.reports)
    }

    fn frame(&mut self, now: Now, who: Who, frame: &ClientFrame) {
        let Some(connection) = &self.connections[who as usize] else { return };
        let (connection, bytes) = (ConnectionId(connection.id), frame.encode());
        self.logic.handle(now, Input::Frame { connection, bytes: &bytes }, &mut self.rng);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.logic.poll() {
            let id = match &output {
                Output::Send { connection, .. } | Output::IssueTurn { connection } | Output::Close { connection } => {
                    connection.0
                }
            };
            if self.stranger == Some(ConnectionId(id)) {
                if let Output::Send { frame, .. } = output {
                    self.told.push(frame);
                }
                continue;
            }
            let Some(who) = [Who::Client, Who::Therapist]
                .into_iter()
                .find(|who| self.connections[*who as usize].as_ref().is_some_and(|c| c.id == id))
            else {
                continue;
            };
            let Some(connection) = &mut self.connections[who as usize] else { continue };
            let report = match output {
                Output::Send { frame, .. } => translate(connection, frame),
                Output::IssueTurn { .. } => connection.turn.pop_front().map(|mailbox| {
                    let credentials = TurnCredentials {
                        expiry: u32::MAX,
                        username: "user".into(),
                        password: "pass".into(),
                        urls: vec!["turn:127.0.0.1:3478?transport=udp".into()],
                    };
                    ServerReport::Turn(mailbox, credentials)
                }),
                Output::Close { .. } => None,
            };
            self.reports.extend(report.map(|report| (who, report)));
        }
    }
}

fn translate(connection: &mut Connection, frame: ServerFrame) -> Option<ServerReport> {
    let mailbox = |connection: &Connection, channel: u16| Some(connection.channels.get(&channel)?.mailbox);
    match frame {
        ServerFrame::Welcome { unix_time, .. } => Some(ServerReport::Online { unix_time, turn: true }),
        ServerFrame::Allocated { nameplate, mailbox, ttl_s } => {
            connection.asked.pop_front();
            Some(ServerReport::Allocated { nameplate, mailbox, ttl_s })
        }
        ServerFrame::Claimed(mailbox) => {
            connection.asked.pop_front();
            Some(ServerReport::Claimed(mailbox))
        }
        ServerFrame::Opened { channel, peer_present } => match connection.asked.pop_front() {
            Some(Asked::Open(mailbox)) => {
                connection.channels.insert(channel, Channel { mailbox, is_left: false });
                Some(ServerReport::Opened { mailbox, peer_present })
            }
            _ => None,
        },
        ServerFrame::Added(_) | ServerFrame::Pong(_) | ServerFrame::TurnCredentials(_) => None,
        ServerFrame::Closed(channel) => {
            let closed = connection.channels.remove(&channel).filter(|closed| !closed.is_left);
            closed.map(|closed| ServerReport::Closed(closed.mailbox))
        }
        ServerFrame::Message { channel, cell } => {
            mailbox(connection, channel).map(|mailbox| ServerReport::Received(mailbox, cell))
        }
        ServerFrame::Peer { channel, event } => {
            let own = connection.channels.get(&channel).filter(|own| !own.is_left);
            own.map(|own| ServerReport::Peer(own.mailbox, event))
        }
        ServerFrame::Error { channel, code } => match (mailbox(connection, channel), code) {
            (Some(mailbox), ErrorCode::NoTurn | ErrorCode::Limit) => {
                connection.turn.pop_front();
                Some(ServerReport::TurnRefused(mailbox, code))
            }
            (Some(_), _) => None,
            (None, code) => match connection.asked.pop_front()? {
                Asked::Alloc => Some(ServerReport::AllocRefused(code)),
                Asked::Claim => Some(ServerReport::ClaimRefused(code)),
                Asked::Open(mailbox) => Some(ServerReport::OpenRefused(mailbox, code)),
            },
        },
    }
}
