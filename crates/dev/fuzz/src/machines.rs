//! Bytes from a server, or to one, against the state machines: what is not authentic changes nothing.

use std::cell::RefCell;

use sotto_call::{Input, ServerReport, ServerUrl};
use sotto_mailbox::{AddressKey, ConnectionId, Input as MailboxInput, Limits, Now, Output, Rendezvous};
use sotto_session_api::{Command, InviteForm};
use sotto_sim::{Duo, SeededRng, Who};
use sotto_wire::{
    CELL_LEN, Cell, CellType,
    server::{ClientFrame, ErrorCode, MailboxId, Nameplate, ServerFrame},
};

const URL: &str = "ws://127.0.0.1:7000/v1";

/// A side in a state that a server can reach, and the digest that no forged cell may change.
struct Scene {
    duo: Duo,
    who: Who,
    mailbox: MailboxId,
    digest: [u8; 64],
    /// A Noise state does not survive a failed read: a forged HS2 costs a try of a client that joins (PROTOCOL §4.5).
    takes_hs2: bool,
}

impl Scene {
    fn new(duo: Duo, who: Who) -> Self {
        let room = &duo.side(who).room;
        let mailbox = MailboxId(room.open_mailboxes().first().copied().expect("a mailbox is open"));
        let digest = room.state_digest();
        Self { duo, who, mailbox, digest, takes_hs2: false }
    }

    fn feed(&mut self, cell: &Cell) {
        // REJECT is unauthenticated by design: it ends a wait early.
        if cell.cell_type() == Some(CellType::Reject) || (self.takes_hs2 && cell.cell_type() == Some(CellType::Hs2)) {
            return;
        }
        let report = ServerReport::Received(self.mailbox, cell.clone());
        self.duo.step(self.who, Input::Server(ServerUrl(URL.into()), report));
        let digest = self.duo.side(self.who).room.state_digest();
        // SYNC is unauthenticated too: it is answered by cells that were sent before, once a second, and that is noted.
        if cell.cell_type() == Some(CellType::Sync) {
            self.digest = digest;
        }
        assert!(digest == self.digest, "a forged cell changed the state");
    }
}

/// The first bytes of a cell; the rest is zero, or repeats them.
fn cell_of(data: &[u8]) -> Option<Cell> {
    let (&fill, head) = data.split_first()?;
    let mut bytes = [0; CELL_LEN];
    let len = head.len().min(CELL_LEN);
    bytes[..len].copy_from_slice(&head[..len]);
    if fill & 1 == 1 && len > 4 {
        for at in len..CELL_LEN {
            bytes[at] = bytes[at - len + 4];
        }
    }
    Cell::from_bytes(&bytes).ok()
}

fn feed_all(scenes: &mut [Scene], data: &[u8]) {
    let Some(cell) = cell_of(data) else { return };
    for scene in scenes {
        scene.feed(&cell);
    }
}

pub(crate) fn cell_r(data: &[u8]) {
    thread_local! {
        static SCENES: RefCell<Vec<Scene>> = RefCell::new(therapists());
    }
    SCENES.with_borrow_mut(|scenes| feed_all(scenes, data));
}

pub(crate) fn cell_i(data: &[u8]) {
    thread_local! {
        static SCENES: RefCell<Vec<Scene>> = RefCell::new(clients());
    }
    SCENES.with_borrow_mut(|scenes| feed_all(scenes, data));
}

/// A link that waits, a contact that is listened for, a client in the waiting room, an open session.
fn therapists() -> Vec<Scene> {
    let mut link = Duo::new(21);
    link.invite(InviteForm::Link);
    let mut paired = Duo::new(22);
    let [_, at_therapist] = paired.open_session(InviteForm::Code);
    paired.command(Who::Client, Command::End);
    paired.run_for(2_000);
    paired.command(Who::Therapist, Command::Listen(Some(vec![at_therapist])));
    paired.run_for(500);
    let mut waited_for = Duo::new(24);
    let (_, text) = waited_for.invite(InviteForm::Code);
    waited_for.join(&text);
    let mut open = Duo::new(26);
    open.open_session(InviteForm::Code);
    [link, paired, waited_for, open].map(|duo| Scene::new(duo, Who::Therapist)).into()
}

/// Joining by a link that nobody answers, in the waiting room, in an open session.
fn clients() -> Vec<Scene> {
    let mut joining = Duo::new(23);
    let (_, text) = joining.invite(InviteForm::Link);
    joining.restart(Who::Therapist);
    joining.tamper(|_, _| Vec::new());
    joining.command(Who::Client, Command::JoinInvite(text));
    joining.run_for(2_000);
    let mut waiting = Duo::new(25);
    let (_, text) = waiting.invite(InviteForm::Code);
    waiting.join(&text);
    let mut open = Duo::new(27);
    open.open_session(InviteForm::Code);
    let joining = Scene { takes_hs2: true, ..Scene::new(joining, Who::Client) };
    vec![joining, Scene::new(waiting, Who::Client), Scene::new(open, Who::Client)]
}

/// Heads of cells of each type, as a server sees them, from a session of strangers.
pub(crate) fn cell_seeds() -> Vec<Vec<u8>> {
    use std::rc::Rc;
    let cells = Rc::new(RefCell::new(Vec::new()));
    let mut duo = Duo::new(99);
    let tap = cells.clone();
    duo.tamper(move |_, cell| {
        tap.borrow_mut().push([&[0][..], cell.as_bytes()].concat());
        vec![cell]
    });
    duo.open_session(InviteForm::Code);
    cells.take()
}

const ATTACKER: ConnectionId = ConnectionId(9);

/// A server with a pair in a session, and somebody who has said HELLO and holds a side.
#[derive(Clone)]
struct Server {
    machine: Rendezvous,
    rng: SeededRng,
    closed: bool,
    answers: Vec<ServerFrame>,
}

impl Server {
    fn new() -> Self {
        let (machine, rng) = (Rendezvous::new(Limits::default(), true), SeededRng::new(7));
        let mut server = Self { machine, rng, closed: false, answers: Vec::new() };
        for (id, mailbox, side) in [(1, 9, 1), (2, 9, 0), (ATTACKER.0, 11, 1)] {
            let connection = ConnectionId(id);
            server.input(MailboxInput::Connected { connection, address: AddressKey([id as u8; 16]) });
            let hello = ClientFrame::Hello { version: 1, pow: 0, token: Vec::new() };
            let open = ClientFrame::Open { mailbox: MailboxId([mailbox; 32]), side, owner: [id as u8; 16] };
            for frame in [hello, open] {
                server.input(MailboxInput::Frame { connection, bytes: &frame.encode() });
            }
        }
        server.answers.clear();
        server
    }

    fn input(&mut self, input: MailboxInput<'_>) {
        self.machine.handle(Now { mono_ms: 1000, unix_s: 1_800_000_001 }, input, &mut self.rng);
        while let Some(output) = self.machine.poll() {
            match output {
                Output::Send { connection, frame } if connection == ATTACKER => self.answers.push(frame),
                Output::Send { frame, .. } => {
                    assert!(
                        matches!(
                            frame,
                            ServerFrame::Peer { .. } | ServerFrame::Opened { .. } | ServerFrame::Welcome { .. }
                        ),
                        "somebody else was told"
                    );
                }
                Output::Close { connection } => self.closed |= connection == ATTACKER,
                Output::IssueTurn { .. } => {}
            }
        }
    }
}

pub(crate) fn rdv_frame(data: &[u8]) {
    thread_local! {
        static FRESH: Server = Server::new();
        static GONE: u64 = FRESH.with(|fresh| {
            let mut gone = fresh.clone();
            gone.input(MailboxInput::Disconnected { connection: ATTACKER });
            gone.machine.digest()
        });
    }
    let mut server = FRESH.with(Clone::clone);
    server.input(MailboxInput::Frame { connection: ATTACKER, bytes: data });
    if let Ok(frame) = ClientFrame::decode(data) {
        assert!(frame.encode() == data, "a second encoding");
    } else {
        // The very effect of a lost connection.
        assert_eq!(server.answers, [ServerFrame::Error { channel: 0, code: ErrorCode::BadFrame }]);
        assert!(server.closed && server.machine.digest() == GONE.with(|gone| *gone));
    }
}

pub(crate) fn frame_seeds() -> Vec<Vec<u8>> {
    let cell = Cell::pa1(1, 0x11, &[9; 32]);
    let frames = [
        ClientFrame::Hello { version: 1, pow: 7, token: vec![1; 20] },
        ClientFrame::Alloc,
        ClientFrame::Claim(Nameplate::parse("123456").expect("six digits")),
        ClientFrame::Open { mailbox: MailboxId([9; 32]), side: 0, owner: [33; 16] },
        ClientFrame::Add { channel: 1, cell },
        ClientFrame::Close(1),
        ClientFrame::Turn(1),
        ClientFrame::Kick(1),
        ClientFrame::Done(1),
    ];
    frames.iter().map(ClientFrame::encode).collect()
}
