//! A therapist and a client.

use std::collections::{BTreeMap, VecDeque};

use sotto_call::{
    Change, Input, MediaRequest, Now, Output, REKEY_EVERY_S, Room, ServerReport, ServerRequest, ServerUrl, TransportId,
    TransportReport, TransportRequest,
};
use sotto_frame_crypto::{MediaOpener, MediaSealer, Shape, TrackSet};
use sotto_identity::{
    IdentityKey, Secret,
    event_log::EventLog,
    records::{ContactRecord, InviteRecord},
};
use sotto_session_api::{Command, ContactId, Event, Gate, InviteForm, Pick, ProfileRole, Verification};
use sotto_wire::{
    Cell, Codec, Description, SealedPacket, Setup, TrackId, TrackSsrc,
    server::{ClientFrame, MailboxId, ServerFrame},
    sig::{CandidateKind, IceCredentials},
};

use crate::{
    Between, Files, SeededRng,
    parts::{URL, candidate, mailbox_now, room},
    server::Server,
};

/// One way between a side and the server, ms.
pub const CELL_DELAY_MS: u64 = 20;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Initiator.
    Client = 0,
    /// Responder.
    Therapist = 1,
}

impl Who {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Therapist,
            Self::Therapist => Self::Client,
        }
    }
}

/// One person's computer: the room and what is on its disk.
pub struct Side {
    /// The machine.
    pub room: Room,
    /// Everything it said.
    pub events: Vec<Event>,
    /// Contacts on disk.
    pub contacts: BTreeMap<u64, ContactRecord>,
    /// Invites on disk.
    pub invites: BTreeMap<u64, InviteRecord>,
    /// What its event log says.
    pub log: EventLog,
    /// Media was started and not stopped.
    pub has_media: bool,
    /// Epoch and ratchet step that its media are sealed in.
    pub media_key: Option<(u8, u8)>,
    /// Packets of the other side that it opened.
    pub packets_opened: u64,
    /// Of these, so many of the camera.
    pub camera_opened: u64,
    pub(crate) media: Option<(Box<MediaSealer>, Box<MediaOpener>)>,
    /// Transports that were ever made.
    pub transports: u32,
    /// ICE restarts that the transport was asked for.
    pub restarts: u32,
    /// Addresses of the other computer that the transport was told.
    pub addresses: u32,
    /// Files of the session.
    pub files: Files,
    /// Nothing is written any more, and no write is reported.
    pub disk_is_stuck: bool,
    identity: Option<IdentityKey>,
    device: Secret<32>,
    role: ProfileRole,
    relay_only: bool,
    transport: Option<Fake>,
}

impl Side {
    /// A therapist's key, for scripts that have got hold of it.
    #[must_use]
    pub const fn identity(&self) -> Option<&IdentityKey> {
        self.identity.as_ref()
    }

    /// Whether its transport, if it has one, was made for the relay alone.
    #[must_use]
    pub fn is_relay_only(&self) -> Option<bool> {
        self.transport.as_ref().map(|transport| transport.relay_only)
    }

    /// The secret of its profile that a moved copy lacks, for scripts that have got hold of it.
    #[must_use]
    pub const fn device(&self) -> &Secret<32> {
        &self.device
    }
}

struct Fake {
    id: TransportId,
    relay_only: bool,
    fingerprint: [u8; 32],
    connected: bool,
    /// Candidates of the peer that were handed over.
    candidates: u32,
}

enum Due {
    Input(Who, Input),
}

type Tamper = Box<dyn FnMut(Who, Cell) -> Vec<Cell>>;
type MediaTamper = Box<dyn FnMut(Who, SealedPacket) -> Vec<(Who, SealedPacket)>>;

/// Two sides, a server and a clock.
pub struct Duo {
    /// Client and therapist, by [`Who`].
    pub sides: [Side; 2],
    /// Milliseconds since the start.
    pub now_ms: u64,
    /// Unix seconds at the start.
    pub start_unix: u64,
    /// What the clock of each side is ahead, seconds.
    ahead_s: [i64; 2],
    server: Server,
    rng: SeededRng,
    queue: BTreeMap<(u64, u64), Due>,
    sequence: u64,
    tamper: Option<Tamper>,
    media_tamper: Option<MediaTamper>,
    between: Option<Box<dyn Between>>,
    fingerprint_lie: Option<[u8; 32]>,
    negotiated: [&'static str; 2],
    relay_up: bool,
    /// What the transports say of the path that they find.
    pub relayed: bool,
    media_ms: u64,
    /// From one packet of sound to the next, ms; 0 for none. One in five seconds shows what keys do.
    pub media_every_ms: u64,
    /// With each packet of sound goes one of the camera.
    pub has_camera: bool,
    rekey_every_s: u32,
}

impl Duo {
    /// Two fresh profiles.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = SeededRng::new(seed);
        let identity = IdentityKey::generate(&mut rng);
        let side = |role, identity: Option<IdentityKey>, rng: &mut SeededRng| {
            let mut device = [0; 32];
            rand_core::Rng::fill_bytes(rng, &mut device);
            Side {
                room: room(role, identity.as_ref(), Secret::new(device), Vec::new(), Vec::new(), true, REKEY_EVERY_S),
                events: Vec::new(),
                contacts: BTreeMap::new(),
                invites: BTreeMap::new(),
                log: EventLog::default(),
                files: Files::default(),
                has_media: false,
                media_key: None,
                packets_opened: 0,
                camera_opened: 0,
                media: None,
                transports: 0,
                restarts: 0,
                addresses: 0,
                disk_is_stuck: false,
                identity,
                device: Secret::new(device),
                role,
                relay_only: true,
                transport: None,
            }
        };
        let client = side(ProfileRole::Client, None, &mut rng);
        let therapist = side(ProfileRole::Therapist, Some(identity), &mut rng);
        Self {
            sides: [client, therapist],
            now_ms: 1_000,
            start_unix: 1_790_000_000,
            ahead_s: [0; 2],
            server: Server::new(seed ^ 0x5e4),
            rng,
            queue: BTreeMap::new(),
            sequence: 0,
            tamper: None,
            media_tamper: None,
            between: None,
            fingerprint_lie: None,
            negotiated: ["SRTP_AEAD_AES_256_GCM", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"],
            relay_up: true,
            relayed: true,
            media_ms: 0,
            media_every_ms: 5_000,
            has_camera: false,
            rekey_every_s: REKEY_EVERY_S,
        }
    }

    /// Two profiles as they were: the identities of [`Duo::new`] with `seed`, these contacts, and chance of its own.
    #[must_use]
    pub fn resumed(seed: u64, contacts: [BTreeMap<u64, ContactRecord>; 2], chance: u64) -> Self {
        let mut duo = Self::new(seed);
        duo.rng = SeededRng::new(chance);
        for (side, contacts) in duo.sides.iter_mut().zip(contacts) {
            side.contacts = contacts;
        }
        duo.restart(Who::Client);
        duo.restart(Who::Therapist);
        duo
    }

    /// Lets every cell pass through a hostile server: what it returns is delivered instead.
    pub fn tamper(&mut self, tamper: impl FnMut(Who, Cell) -> Vec<Cell> + 'static) {
        self.tamper = Some(Box::new(tamper));
    }

    /// Lets every packet of sound and pictures pass through somebody inside DTLS: what it returns arrives instead, and where it says.
    pub fn tamper_with_media(&mut self, tamper: impl FnMut(Who, SealedPacket) -> Vec<(Who, SealedPacket)> + 'static) {
        self.media_tamper = Some(Box::new(tamper));
    }

    /// Puts somebody between the two sides, who holds the server and the path of the records.
    pub fn put_between(&mut self, between: impl Between + 'static) {
        self.between = Some(Box::new(between));
    }

    /// A hostile server hands a cell to a side that nobody sent.
    pub fn inject(&mut self, to: Who, mailbox: MailboxId, cell: Cell) {
        self.hand(to, ServerReport::Received(mailbox, cell));
    }

    /// A hostile server tells a side what is not so.
    pub fn hand(&mut self, to: Who, report: ServerReport) {
        self.later(CELL_DELAY_MS, to, Input::Server(ServerUrl(URL.into()), report));
    }

    /// A third computer gives the honest server a frame.
    pub fn stranger(&mut self, frame: &ClientFrame) {
        let now = mailbox_now(self.now());
        let reports = self.server.stranger(now, frame);
        self.deliver(reports);
    }

    /// What the server told the third computer since this was last asked.
    pub fn told_stranger(&mut self) -> Vec<ServerFrame> {
        self.server.told_stranger()
    }

    /// Makes the transports report this certificate of the peer instead of the announced one.
    pub const fn lie_about_certificate(&mut self, fingerprint: [u8; 32]) {
        self.fingerprint_lie = Some(fingerprint);
    }

    /// The transport of a side is connected to somebody who is neither of the two, with this certificate; [`Between`] gets
    /// its records, and says what comes back.
    pub fn reach(&mut self, who: Who, fingerprint: [u8; 32]) {
        if let Some(transport) = &mut self.sides[who as usize].transport {
            transport.connected = true;
            let id = transport.id;
            self.connected(who, id, fingerprint);
        }
    }

    /// Both transports report that they negotiated this SRTP profile and this DTLS suite.
    pub const fn negotiate(&mut self, srtp_profile: &'static str, dtls_cipher: &'static str) {
        self.negotiated = [srtp_profile, dtls_cipher];
    }

    /// The relay goes, and both transports notice; or it is there again, for whoever restarts.
    pub fn set_relay(&mut self, up: bool) {
        self.relay_up = up;
        if up {
            return;
        }
        for who in [Who::Client, Who::Therapist] {
            if let Some(transport) = &mut self.sides[who as usize].transport {
                transport.connected = false;
                let id = transport.id;
                self.later(4_000, who, Input::Transport(id, TransportReport::Interrupted));
            }
        }
    }

    /// Restarts both programs with another time between rekeys.
    pub fn rekey_every(&mut self, seconds: u32) {
        self.rekey_every_s = seconds;
        self.restart(Who::Client);
        self.restart(Who::Therapist);
    }

    /// Restarts both programs, of which these allow a direct connection.
    pub fn allow_direct(&mut self, allowed: [bool; 2]) {
        for (who, allowed) in [Who::Client, Who::Therapist].into_iter().zip(allowed) {
            self.sides[who as usize].relay_only = !allowed;
            self.restart(who);
        }
    }

    /// Restarts a side's program: what was not durable is gone.
    pub fn restart(&mut self, who: Who) {
        let now = self.now();
        let reports = self.server.disconnect(mailbox_now(now), who);
        self.deliver(reports);
        self.queue.retain(|_, due| !matches!(due, Due::Input(to, _) if *to == who));
        let side = &mut self.sides[who as usize];
        let contacts = side.contacts.values().cloned().collect();
        let invites = side.invites.values().cloned().collect();
        let (role, relay_only, every_s) = (side.role, side.relay_only, self.rekey_every_s);
        side.room = room(role, side.identity.as_ref(), side.device.clone(), contacts, invites, relay_only, every_s);
        side.transport = None;
        side.has_media = false;
        side.media = None;
        self.step(who, Input::Tick);
    }

    /// Sets the clock of a side's computer: so many seconds ahead of the server's, which is right; or behind it.
    pub const fn set_clock(&mut self, who: Who, ahead_s: i64) {
        self.ahead_s[who as usize] = ahead_s;
    }

    fn now(&self) -> Now {
        Now { mono_ms: self.now_ms, unix: self.start_unix + self.now_ms / 1000 }
    }

    /// What a side takes for the time.
    fn now_at(&self, who: Who) -> Now {
        let Now { mono_ms, unix } = self.now();
        Now { mono_ms, unix: unix.saturating_add_signed(self.ahead_s[who as usize]) }
    }

    fn wake_at(&self, who: Who) -> u64 {
        self.side(who).room.wake_at(self.now_at(who))
    }

    /// A side.
    #[must_use]
    pub const fn side(&self, who: Who) -> &Side {
        &self.sides[who as usize]
    }

    /// A person asks for something.
    pub fn command(&mut self, who: Who, command: Command) {
        self.step(who, Input::Command(command));
    }

    /// Lets time pass.
    pub fn run_for(&mut self, ms: u64) {
        let end = self.now_ms + ms;
        loop {
            let wake = self.wake_at(Who::Client).min(self.wake_at(Who::Therapist));
            let due = self.queue.keys().next().map_or(u64::MAX, |(at, _)| *at);
            let sound = self.next_sound();
            let next = wake.min(due).min(sound).max(self.now_ms);
            if next > end {
                break;
            }
            self.now_ms = next;
            if sound <= next {
                self.media_ms = next + self.media_every_ms;
                self.exchange_media();
                continue;
            }
            if due <= next {
                if let Some((_, Due::Input(who, input))) = self.queue.pop_first() {
                    self.step(who, input);
                }
                continue;
            }
            let reports = self.server.tick(mailbox_now(self.now()));
            self.deliver(reports);
            let before = self.now_ms;
            for who in [Who::Client, Who::Therapist] {
                self.step(who, Input::Tick);
            }
            if self.wake_at(Who::Client).min(self.wake_at(Who::Therapist)) <= before {
                self.now_ms += 1; // nothing may wake at the same moment for ever
            }
        }
        self.now_ms = end;
    }

    fn next_sound(&self) -> u64 {
        let has_media = self.media_every_ms > 0 && self.sides.iter().any(|side| side.media.is_some());
        if has_media { self.media_ms } else { u64::MAX }
    }

    /// Hands one input to a side and carries out what it wants.
    pub fn step(&mut self, who: Who, input: Input) {
        let now = self.now_at(who);
        let mut rng = self.rng.clone();
        self.sides[who as usize].room.handle(now, input, &mut rng);
        self.rng = rng;
        self.carry_out_all(who);
    }

    pub(crate) fn carry_out_all(&mut self, who: Who) {
        let mut outputs = VecDeque::new();
        while let Some(output) = self.sides[who as usize].room.poll() {
            outputs.push_back(output);
        }
        for output in outputs {
            self.carry_out(who, output);
        }
    }

    fn later(&mut self, ms: u64, who: Who, input: Input) {
        self.sequence += 1;
        self.queue.insert((self.now_ms + ms, self.sequence), Due::Input(who, input));
    }

    fn deliver(&mut self, reports: Vec<(Who, ServerReport)>) {
        for (to, report) in reports {
            let reports = match (report, &mut self.tamper) {
                (ServerReport::Received(mailbox, cell), Some(tamper)) => {
                    tamper(to.other(), cell).into_iter().map(|cell| ServerReport::Received(mailbox, cell)).collect()
                }
                (report, _) => vec![report],
            };
            for report in reports {
                self.later(CELL_DELAY_MS, to, Input::Server(ServerUrl(URL.into()), report));
            }
        }
    }

    fn carry_out(&mut self, who: Who, output: Output) {
        match output {
            Output::Server(_, request) => {
                if let (ServerRequest::Send(mailbox, cell), Some(between)) = (&request, &mut self.between)
                    && let Some(instead) = between.cell(who, *mailbox, cell, self.now_ms)
                {
                    for (to, cell) in instead {
                        self.inject(to, *mailbox, cell);
                    }
                    return;
                }
                let now = mailbox_now(self.now());
                let reports = self.server.request(now, who, request);
                self.deliver(reports);
            }
            Output::Disconnect(_) => {
                let now = mailbox_now(self.now());
                let reports = self.server.disconnect(now, who);
                self.deliver(reports);
            }
            Output::Store(..) if self.side(who).disk_is_stuck => {}
            Output::Store(ticket, change) => {
                let side = &mut self.sides[who as usize];
                match change {
                    Change::PutContact(contact) => {
                        side.contacts.insert(contact.id, *contact);
                    }
                    Change::RemoveContact(id) => {
                        side.contacts.remove(&id);
                    }
                    Change::PutInvite(invite) => {
                        side.invites.insert(invite.contact, *invite);
                    }
                    Change::RemoveInvite(id) => {
                        side.invites.remove(&id);
                    }
                    Change::Log(line) => side.log.append(line),
                }
                self.later(1, who, Input::Stored(ticket));
            }
            Output::Transport(id, request) => self.transport(who, id, request),
            Output::Media(request) => self.media(who, request),
            Output::File(request) => {
                if let Some(report) = self.sides[who as usize].files.request(request) {
                    self.later(1, who, Input::File(report));
                }
            }
            Output::Event(event) => self.sides[who as usize].events.push(event),
        }
    }

    fn media(&mut self, who: Who, request: MediaRequest) {
        let side = &mut self.sides[who as usize];
        match (request, &mut side.media) {
            (MediaRequest::Start { sealer, mut opener, camera_in_g1, .. }, _) => {
                let camera = camera_in_g1.then_some(TrackId::Camera);
                opener.set_allowed([TrackId::Audio].into_iter().chain(camera).collect());
                side.has_media = true;
                side.media = Some((sealer, opener));
            }
            (MediaRequest::Open, Some((_, opener))) => opener.set_allowed(TrackSet::ALL),
            (MediaRequest::Stop, _) => (side.has_media, side.media) = (false, None),
            (MediaRequest::AdmitEpoch(keys), Some((_, opener))) => {
                opener.admit_epoch(*keys).expect("epochs follow one another");
            }
            (MediaRequest::StartEpoch(keys), Some((sealer, _))) => {
                sealer.start_epoch(*keys).expect("epochs follow one another");
            }
            // At the last step it refuses, and so does sealing.
            (MediaRequest::Ratchet, Some((sealer, _))) => drop(sealer.ratchet()),
            _ => {}
        }
        side.media_key = side.media.as_ref().map(|(sealer, _)| sealer.epoch_and_step());
    }

    /// A packet of sound from each side that has media and a path, and one of the camera where there is one.
    pub fn exchange_media(&mut self) {
        for who in [Who::Client, Who::Therapist] {
            let timestamp = (self.now_ms * 48) as u32;
            let is_connected = |side: &Side| side.transport.as_ref().is_some_and(|transport| transport.connected);
            if !self.sides.iter().all(is_connected) {
                return;
            }
            let Some((sealer, _)) = &mut self.sides[who as usize].media else { continue };
            let sound = sealer.seal(TrackId::Audio, Codec::Opus, false, timestamp, &[7; 80], Shape::Audio);
            let picture = self
                .has_camera
                .then(|| sealer.seal(TrackId::Camera, Codec::H264, true, timestamp, &[9; 700], Shape::VideoFull));
            for packet in [Some(sound), picture].into_iter().flatten().flatten() {
                let arriving = match &mut self.media_tamper {
                    Some(tamper) => tamper(who, packet),
                    None => vec![(who.other(), packet)],
                };
                for (to, packet) in arriving {
                    self.open_media(to, &packet);
                }
            }
        }
    }

    pub(crate) fn open_media(&mut self, to: Who, packet: &SealedPacket) {
        let (now_ms, side) = (self.now_ms, &mut self.sides[to as usize]);
        let Some((_, opener)) = &mut side.media else { return };
        let before = opener.epoch();
        let opened = opener.open(packet, now_ms);
        let epoch = opener.epoch();
        if let Ok(opened) = opened {
            side.packets_opened += 1;
            side.camera_opened += u64::from(opened.track == TrackId::Camera);
            self.later(1, to, Input::MediaHeard);
        }
        if epoch != before {
            self.later(1, to, Input::MediaEpoch(epoch));
        }
    }

    fn transport(&mut self, who: Who, id: TransportId, request: TransportRequest) {
        match request {
            TransportRequest::Create { offerer, relay_only, ssrcs, .. } => {
                let mut fingerprint = [0; 32];
                rand_core::Rng::fill_bytes(&mut self.rng, &mut fingerprint);
                let side = &mut self.sides[who as usize];
                side.transports += 1;
                side.transport = Some(Fake { id, relay_only, fingerprint, connected: false, candidates: 0 });
                if offerer {
                    self.describe(who, id, fingerprint, ssrcs);
                }
            }
            TransportRequest::SetRemote(_) => {
                if who == Who::Therapist {
                    let fingerprint = self.sides[who as usize].transport.as_ref().map(|t| t.fingerprint);
                    self.describe(who, id, fingerprint.unwrap_or_default(), [(11, 0), (12, 13), (14, 15)]);
                } else {
                    self.connect();
                }
            }
            TransportRequest::Record(record) => {
                if record.track == TrackId::File {
                    self.later(1, who, Input::Transport(id, TransportReport::FileSent));
                }
                let records = match &mut self.between {
                    Some(between) => between.record(who, record),
                    None => vec![(who.other(), record)],
                };
                for (to, record) in records {
                    if let Some(transport) = self.sides[to as usize].transport.as_ref().filter(|t| t.connected) {
                        let report = Input::Transport(transport.id, TransportReport::Record(record));
                        self.later(CELL_DELAY_MS, to, report);
                    }
                }
            }
            TransportRequest::Close => self.sides[who as usize].transport = None,
            TransportRequest::AddCandidate(candidate) if candidate.kind != CandidateKind::Relay => {
                self.sides[who as usize].addresses += 1;
            }
            TransportRequest::AddCandidate(_) => {
                if let Some(transport) = &mut self.sides[who as usize].transport {
                    transport.candidates += 1;
                }
                self.heal();
            }
            TransportRequest::CandidatesEnd => {}
            TransportRequest::Restart(_) | TransportRequest::AcceptRestart(..) => {
                let side = &mut self.sides[who as usize];
                side.restarts += 1;
                if let Some(transport) = &mut side.transport {
                    transport.candidates = 0;
                }
                // A candidate may be found before the description is reported.
                self.find(who, id, CandidateKind::Host);
                if self.relay_up {
                    self.find(who, id, CandidateKind::Relay);
                }
                let ice = IceCredentials { ufrag: "efgh".into(), pwd: "vutsrqponmlkjihgfedcba".into() };
                self.later(3, who, Input::Transport(id, TransportReport::Restarted(ice)));
            }
            TransportRequest::FinishRestart(_) | TransportRequest::RequestKeyframe(_) => {}
        }
    }

    fn find(&mut self, who: Who, id: TransportId, kind: CandidateKind) {
        self.later(2, who, Input::Transport(id, TransportReport::Candidate(candidate(kind))));
    }

    /// A restart has worked once both have a candidate of the other.
    fn heal(&mut self) {
        let [Some(client), Some(therapist)] = self.sides.each_mut().map(|side| side.transport.as_mut()) else { return };
        if client.connected || !self.relay_up || client.candidates == 0 || therapist.candidates == 0 {
            return;
        }
        (client.connected, therapist.connected) = (true, true);
        let ids = [(Who::Client, client.id), (Who::Therapist, therapist.id)];
        for (who, id) in ids {
            self.later(10, who, Input::Transport(id, TransportReport::Recovered { relayed: self.relayed }));
        }
    }

    fn describe(&mut self, who: Who, id: TransportId, fingerprint: [u8; 32], ssrcs: [(u32, u32); 3]) {
        let description = Description {
            fingerprint,
            setup: Setup::ActPass,
            ufrag: "abcd".into(),
            pwd: "abcdefghijklmnopqrstuv".into(),
            tracks: ssrcs.map(|(ssrc, rtx_ssrc)| TrackSsrc { ssrc, rtx_ssrc }),
            payload_types: vec![111, 102, 103],
        };
        self.find(who, id, CandidateKind::Host);
        self.later(2, who, Input::Transport(id, TransportReport::Description(description)));
    }

    fn connect(&mut self) {
        let [Some(client), Some(therapist)] = self.sides.each_mut().map(|side| side.transport.as_mut()) else { return };
        (client.connected, therapist.connected) = (true, true);
        let (client, therapist) = ((client.id, client.fingerprint), (therapist.id, therapist.fingerprint));
        for (who, id, peer) in [(Who::Client, client.0, therapist.1), (Who::Therapist, therapist.0, client.1)] {
            self.connected(who, id, self.fingerprint_lie.unwrap_or(peer));
        }
    }

    fn connected(&mut self, who: Who, id: TransportId, remote_fingerprint: [u8; 32]) {
        let report = TransportReport::Connected {
            remote_fingerprint,
            srtp_profile: self.negotiated[0].into(),
            dtls_cipher: self.negotiated[1].into(),
            relayed: self.relayed,
        };
        self.later(10, who, Input::Transport(id, report));
        self.later(12, who, Input::Transport(id, TransportReport::DataOpen));
    }

    // ---- what people do ---------------------------------------------------------------------------------------

    /// The therapist makes an invite; its contact and text.
    pub fn invite(&mut self, form: InviteForm) -> (ContactId, String) {
        self.command(Who::Therapist, Command::Invite { label: "Tuesday".into(), form, minutes: None });
        self.run_for(500);
        let invited = self.side(Who::Therapist).events.iter().rev().find_map(|event| match event {
            Event::Invited { contact, text, .. } => Some((*contact, text.clone())),
            _ => None,
        });
        invited.expect("the therapist got an invite")
    }

    /// The client uses it and gets into the waiting room; the client's own id of the contact.
    pub fn join(&mut self, text: &str) -> ContactId {
        self.command(Who::Client, Command::JoinInvite(text.into()));
        self.run_for(3_000);
        self.waiting().expect("the client waits")
    }

    /// The contact that the client waits for, by its last event of that kind.
    #[must_use]
    pub fn waiting(&self) -> Option<ContactId> {
        self.side(Who::Client).events.iter().rev().find_map(|event| match event {
            Event::Waiting(contact) => Some(*contact),
            _ => None,
        })
    }

    /// The therapist lets them in, and the connection is made.
    pub fn admit(&mut self, contact: ContactId) {
        self.command(Who::Therapist, Command::Admit(contact));
        self.run_for(1_000);
    }

    /// The card that a side sees now.
    #[must_use]
    pub fn card(&self, who: Who) -> Option<Verification> {
        self.side(who).room.snapshot(self.now_at(who)).verification.clone()
    }

    /// Both people read and pick what they hear.
    pub fn compare(&mut self) {
        for who in [Who::Client, Who::Therapist] {
            let (Some(own), Some(other)) = (self.card(who), self.card(who.other())) else { continue };
            let heard = own.candidates.iter().position(|candidate| *candidate == other.words);
            let pick = heard.map_or(Pick::NoneOfThese, Pick::Candidate);
            // The other card is gone once that side has picked, so both are read before anyone picks.
            let others = other.candidates.iter().position(|candidate| *candidate == own.words);
            self.command(who, Command::Verify(pick));
            self.command(who.other(), Command::Verify(others.map_or(Pick::NoneOfThese, Pick::Candidate)));
            break;
        }
        self.run_for(500);
    }

    /// The gate of a side.
    #[must_use]
    pub fn gate(&self, who: Who) -> Option<Gate> {
        self.side(who).room.snapshot(self.now_at(who)).gate
    }

    /// From nothing to an open session by a spoken code; the ids of the contact on both sides.
    pub fn open_session(&mut self, form: InviteForm) -> [ContactId; 2] {
        let (at_therapist, text) = self.invite(form);
        let at_client = self.join(&text);
        self.admit(at_therapist);
        self.compare();
        [at_client, at_therapist]
    }

    /// Codes of what was refused or noticed, in order.
    #[must_use]
    pub fn codes(&self, who: Who) -> Vec<&'static str> {
        self.side(who)
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Refused { code, .. } => Some(*code),
                Event::Notice(notice) => Some(notice.code),
                _ => None,
            })
            .collect()
    }
}
