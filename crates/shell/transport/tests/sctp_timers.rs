//! Records get through soon after a path is back, however long it was away (docs/decisions/0009).
//!
//! Two associations of the crate under `webrtc`, in virtual time: its timers are constants that nothing hands on.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rtc::{
    sctp::{
        Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Payload,
        PayloadProtocolIdentifier, ServerConfig, TransportConfig,
    },
    shared::TransportProtocol,
};

const CLIENT: &str = "127.0.0.1:5000";
const SERVER: &str = "127.0.0.1:5001";

struct Node {
    endpoint: Endpoint,
    peer: SocketAddr,
    association: Option<(AssociationHandle, Association)>,
    inbox: VecDeque<Bytes>,
}

impl Node {
    fn new(own: &str, peer: &str, server: Option<ServerConfig>) -> Self {
        let config = Arc::new(EndpointConfig::default());
        let endpoint = Endpoint::new(own.parse().unwrap(), TransportProtocol::UDP, config, server.map(Arc::new));
        Self { endpoint, peer: peer.parse().unwrap(), association: None, inbox: VecDeque::new() }
    }

    /// Takes what came and what is due; gives what leaves.
    fn drive(&mut self, now: Instant) -> Vec<Bytes> {
        for datagram in std::mem::take(&mut self.inbox) {
            match self.endpoint.handle(now, self.peer, None, datagram) {
                Some((handle, DatagramEvent::NewAssociation(association))) => {
                    self.association = Some((handle, association));
                }
                Some((_, DatagramEvent::AssociationEvent(event))) => {
                    self.association.as_mut().unwrap().1.handle_event(event);
                }
                _ => {}
            }
        }
        let Some((handle, association)) = &mut self.association else { return Vec::new() };
        if association.poll_timeout().is_some_and(|at| at <= now) {
            association.handle_timeout(now);
        }
        while association.poll().is_some() {}
        while let Some(event) = association.poll_endpoint_event() {
            self.endpoint.handle_event(*handle, event);
        }
        let mut leaving = Vec::new();
        while let Some(transmit) = association.poll_transmit(now) {
            if let Payload::RawEncode(datagrams) = transmit.message {
                leaving.extend(datagrams);
            }
        }
        leaving
    }
}

/// Two ends, and the path between them.
struct Path {
    ends: [Node; 2],
    now: Instant,
    /// Whether what is sent arrives; when something was, while it didn't.
    is_dead: bool,
    lost: Vec<Instant>,
}

impl Path {
    fn new() -> Self {
        let server = ServerConfig::new(TransportConfig::default());
        let mut ends = [Node::new(CLIENT, SERVER, None), Node::new(SERVER, CLIENT, Some(server))];
        let now = Instant::now();
        let config = ClientConfig::new(TransportConfig::default());
        ends[0].association = Some(ends[0].endpoint.connect(now, config, SERVER.parse().unwrap()).unwrap());
        Self { ends, now, is_dead: false, lost: Vec::new() }
    }

    /// `time` goes by, in steps of ten milliseconds, which is the delay of the path as well.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            for from in [0, 1] {
                let leaving = self.ends[from].drive(self.now);
                if !self.is_dead {
                    self.ends[1 - from].inbox.extend(leaving);
                } else if from == 0 && !leaving.is_empty() {
                    self.lost.push(self.now);
                }
            }
            self.now += Duration::from_millis(10);
        }
    }

    fn send(&mut self, record: &'static [u8]) {
        let association = &mut self.ends[0].association.as_mut().unwrap().1;
        let mut stream = association.stream(0).unwrap();
        stream.write_sctp(self.now, &Bytes::from_static(record), PayloadProtocolIdentifier::Binary).unwrap();
    }

    fn received(&mut self) -> Vec<Vec<u8>> {
        let association = &mut self.ends[1].association.as_mut().unwrap().1;
        let _known = association.accept_stream();
        let Ok(mut stream) = association.stream(0) else { return Vec::new() };
        let mut records = Vec::new();
        while let Some(chunks) = stream.read_sctp().unwrap() {
            let mut record = vec![0; 2048];
            let length = chunks.read(&mut record).unwrap();
            record.truncate(length);
            records.push(record);
        }
        records
    }
}

#[test]
fn what_waited_through_a_dead_path_arrives_within_seconds_of_its_return() {
    let mut path = Path::new();
    path.pass(Duration::from_secs(2));
    let opened = path.ends[0].association.as_mut().unwrap().1.open_stream(0, PayloadProtocolIdentifier::Binary);
    assert!(opened.is_ok());
    path.send(b"before");
    path.pass(Duration::from_secs(1));
    assert_eq!(path.received(), [b"before"]);

    // As published: repeated after 1, 3, 7, 15 and 31 s, and never again after 63.
    path.is_dead = true;
    path.send(b"meanwhile");
    path.pass(Duration::from_secs(90));
    let longest = path.lost.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(longest <= Duration::from_millis(3100), "{longest:?}");
    assert!(path.lost.len() > 30, "{} attempts", path.lost.len());

    path.is_dead = false;
    path.pass(Duration::from_secs(4));
    assert_eq!(path.received(), [b"meanwhile"]);
    // And what is said then needs no waiting.
    path.send(b"after");
    path.pass(Duration::from_millis(500));
    assert_eq!(path.received(), [b"after"]);
}

#[test]
fn an_association_that_finds_nobody_for_long_comes_up_when_somebody_is_there() {
    let mut path = Path::new();
    path.is_dead = true;
    // As published: attempts 1, 3, 7, 15, 31, 63 and 127 s after the first.
    path.pass(Duration::from_secs(70));
    path.is_dead = false;
    path.pass(Duration::from_secs(4));
    let opened = path.ends[0].association.as_mut().unwrap().1.open_stream(0, PayloadProtocolIdentifier::Binary);
    assert!(opened.is_ok());
    path.send(b"at last");
    path.pass(Duration::from_secs(1));
    assert_eq!(path.received(), [b"at last"]);
}
