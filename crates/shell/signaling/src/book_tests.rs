#![allow(clippy::unwrap_used, reason = "tests")]

use sotto_wire::{
    CELL_LEN, Cell,
    server::{PeerEvent, TurnCredentials},
};

use super::*;

const M: MailboxId = MailboxId([1; 32]);
const N: MailboxId = MailboxId([2; 32]);

fn online() -> Book {
    let mut book = Book::default();
    book.online(7, true);
    assert!(matches!(frames(&mut book)[..], [ClientFrame::Hello { .. }]));
    assert_eq!(reports(&mut book), ["Online { unix_time: 7, turn: true }"]);
    book
}

fn frames(book: &mut Book) -> Vec<ClientFrame> {
    std::iter::from_fn(|| book.frame()).collect()
}

/// Reports as text: the types compare nothing. Mailboxes by their first byte, since they print redacted.
fn reports(book: &mut Book) -> Vec<String> {
    std::iter::from_fn(|| book.report()).map(|report| format!("{report:?}")).collect()
}

fn open(mailbox: MailboxId) -> Request {
    Request::Open { mailbox, side: 0, owner: [9; 16] }
}

fn opened(book: &mut Book, mailbox: MailboxId, channel: u16) {
    book.request(open(mailbox));
    frames(book);
    book.answer(ServerFrame::Opened { channel, peer_present: true }).unwrap();
    assert!(reports(book)[0].starts_with("Opened"));
}

fn cell() -> Cell {
    Cell::from_bytes(&[0; CELL_LEN]).unwrap()
}

fn credentials() -> ServerFrame {
    ServerFrame::TurnCredentials(TurnCredentials {
        expiry: 1,
        username: "u".into(),
        password: "p".into(),
        urls: vec!["turn:x".into()],
    })
}

#[test]
fn answers_go_to_their_requests_in_order() {
    let mut book = online();
    let plate = Nameplate::parse("123456").unwrap();
    for request in [Request::Alloc, open(M), Request::Claim(plate.clone()), open(N)] {
        book.request(request);
    }
    assert_eq!(frames(&mut book).len(), 4);
    book.answer(ServerFrame::Allocated { nameplate: plate, mailbox: M, ttl_s: 5 }).unwrap();
    book.answer(ServerFrame::Error { channel: 0, code: ErrorCode::Crowded }).unwrap();
    book.answer(ServerFrame::Error { channel: 0, code: ErrorCode::UnknownNameplate }).unwrap();
    book.answer(ServerFrame::Opened { channel: 1, peer_present: false }).unwrap();
    let seen = reports(&mut book);
    assert!(seen[0].starts_with("Allocated"));
    assert!(seen[1].contains("Open(") && seen[1].contains("Crowded"), "{}", seen[1]);
    assert!(seen[2].contains("Claim(") && seen[2].contains("UnknownNameplate"));
    assert!(seen[3].starts_with("Opened"));
    assert!(!book.awaits_answer());
}

#[test]
fn an_answer_that_nobody_asked_for_ends_the_connection() {
    for frame in [
        ServerFrame::Claimed(M),
        ServerFrame::Opened { channel: 1, peer_present: false },
        credentials(),
        ServerFrame::Error { channel: 0, code: ErrorCode::BadFrame },
        ServerFrame::Welcome { version_min: 1, version_max: 1, pow_bits: 0, nonce: [0; 16], flags: 0, unix_time: 0 },
    ] {
        assert_eq!(online().answer(frame), Err(OfflineReason::Protocol));
    }
    let flooded = ServerFrame::Error { channel: 0, code: ErrorCode::Limit };
    assert_eq!(online().answer(flooded), Err(OfflineReason::Full));
}

#[test]
fn what_was_asked_offline_is_asked_when_online() {
    let mut book = Book::default();
    for request in [Request::Alloc, open(M), Request::Turn(M), Request::Done(M), open(N), Request::Close(N)] {
        book.request(request);
    }
    book.request(Request::Send { mailbox: M, cell: cell() });
    assert!(frames(&mut book).is_empty());
    assert!(reports(&mut book)[0].starts_with("Lost"));
    book.online(0, true);
    let asked = frames(&mut book);
    assert!(
        matches!(asked[..], [ClientFrame::Hello { .. }, ClientFrame::Alloc, ClientFrame::Open { .. }]),
        "{asked:?}"
    );
    book.answer(ServerFrame::Allocated { nameplate: Nameplate::parse("000001").unwrap(), mailbox: N, ttl_s: 1 })
        .unwrap();
    book.answer(ServerFrame::Opened { channel: 3, peer_present: true }).unwrap();
    assert_eq!(frames(&mut book), [ClientFrame::Done(3), ClientFrame::Turn(3)]);
}

#[test]
fn a_lost_connection_loses_cells_and_asks_the_rest_again() {
    let mut book = online();
    opened(&mut book, M, 1);
    book.request(Request::Send { mailbox: M, cell: cell() });
    book.request(Request::Turn(M));
    book.request(Request::Alloc);
    assert!(book.awaits_answer());
    frames(&mut book);
    book.offline(OfflineReason::Lost, 500);
    let seen = reports(&mut book);
    assert!(seen[0].starts_with("Lost") && seen[1].starts_with("Offline"), "{seen:?}");
    assert_eq!(seen.len(), 2);
    book.online(1, true);
    assert!(matches!(
        frames(&mut book)[..],
        [ClientFrame::Hello { .. }, ClientFrame::Alloc, ClientFrame::Open { mailbox: M, side: 0, owner: [9, ..] }]
    ));
    book.answer(ServerFrame::Error { channel: 0, code: ErrorCode::Limit }).unwrap();
    book.answer(ServerFrame::Opened { channel: 1, peer_present: false }).unwrap();
    assert_eq!(frames(&mut book), [ClientFrame::Turn(1)], "still owed");
}

#[test]
fn refusals_on_a_channel_find_the_request_they_mean() {
    let mut book = online();
    opened(&mut book, M, 1);
    book.request(Request::Turn(M));
    book.request(Request::Send { mailbox: M, cell: cell() });
    book.request(Request::Send { mailbox: M, cell: cell() });
    book.answer(ServerFrame::Error { channel: 1, code: ErrorCode::QueueFull }).unwrap();
    book.answer(ServerFrame::Error { channel: 1, code: ErrorCode::Limit }).unwrap();
    book.answer(ServerFrame::Added(1)).unwrap();
    let seen = reports(&mut book);
    assert!(seen[0].starts_with("Lost"), "{seen:?}");
    assert!(seen[1].contains("Turn(") && seen[1].contains("Limit"), "{seen:?}");
    assert_eq!(seen.len(), 2);
    assert!(!book.awaits_answer());
}

#[test]
fn credentials_go_to_the_mailbox_that_asked_first() {
    let mut book = online();
    opened(&mut book, M, 1);
    opened(&mut book, N, 2);
    book.request(Request::Turn(N));
    book.request(Request::Turn(M));
    book.answer(credentials()).unwrap();
    book.answer(ServerFrame::Error { channel: 1, code: ErrorCode::NoTurn }).unwrap();
    match (book.report(), book.report()) {
        (Some(Report::Turn { mailbox: N, .. }), Some(Report::Refused { request: RefusedRequest::Turn(M), .. })) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_channel_that_the_server_closed_is_not_opened_again() {
    let mut book = online();
    opened(&mut book, M, 1);
    book.request(Request::Send { mailbox: M, cell: cell() });
    book.answer(ServerFrame::Closed(1)).unwrap();
    let seen = reports(&mut book);
    assert!(seen[0].starts_with("Lost") && seen[1].starts_with("Closed"), "{seen:?}");
    book.offline(OfflineReason::Lost, 1);
    frames(&mut book);
    book.online(1, true);
    assert!(matches!(frames(&mut book)[..], [ClientFrame::Hello { .. }]));
}

#[test]
fn closing_while_opening_gives_the_side_back_quietly() {
    let mut book = online();
    book.request(open(M));
    book.request(Request::Close(M));
    frames(&mut book);
    book.answer(ServerFrame::Opened { channel: 4, peer_present: true }).unwrap();
    assert_eq!(frames(&mut book), [ClientFrame::Close(4)]);
    book.answer(ServerFrame::Peer { channel: 4, event: PeerEvent::Left }).unwrap();
    book.answer(ServerFrame::Closed(4)).unwrap();
    assert!(reports(&mut book).is_empty());
}

#[test]
fn opening_again_replaces_the_channel_without_an_end() {
    let mut book = online();
    opened(&mut book, M, 1);
    book.request(open(M));
    frames(&mut book);
    // A cell that was on its way on the old channel still counts.
    book.answer(ServerFrame::Message { channel: 1, cell: cell() }).unwrap();
    book.answer(ServerFrame::Peer { channel: 1, event: PeerEvent::Crowded }).unwrap();
    book.answer(ServerFrame::Closed(1)).unwrap();
    book.answer(ServerFrame::Opened { channel: 2, peer_present: true }).unwrap();
    let seen = reports(&mut book);
    assert!(seen.len() == 2 && seen[0].starts_with("Received") && seen[1].starts_with("Opened"), "{seen:?}");
    book.request(Request::Send { mailbox: M, cell: cell() });
    assert!(matches!(frames(&mut book)[..], [ClientFrame::Add { channel: 2, .. }]));
}

#[test]
fn a_server_can_not_make_the_book_grow() {
    let mut book = online();
    for channel in 0..=u16::MAX {
        for frame in [
            ServerFrame::Added(channel),
            ServerFrame::Closed(channel),
            ServerFrame::Pong(channel.into()),
            ServerFrame::Message { channel, cell: cell() },
            ServerFrame::Peer { channel, event: PeerEvent::Joined },
            ServerFrame::Error { channel: channel.max(1), code: ErrorCode::QueueFull },
        ] {
            book.answer(frame).unwrap();
        }
    }
    assert!(frames(&mut book).is_empty() && reports(&mut book).is_empty());
    assert!(book.channels.is_empty() && book.on_channel.is_empty());
}
