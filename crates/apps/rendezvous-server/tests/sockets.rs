//! What the server does to connections that do not behave, over real sockets.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use sotto_rendezvous_server::{Config, Relay, Running, Server, StartError, Timeouts, Tls};
use sotto_wire::server::{ClientFrame, ErrorCode, MAX_FRAME_LEN, ServerFrame};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

type Socket = WebSocketStream<TcpStream>;

fn config() -> Config {
    Config::new("127.0.0.1:0".parse().unwrap(), Tls::None, Relay::None)
}

fn authority(server: &Running) -> String {
    server.url.trim_start_matches("ws://").trim_end_matches('/').to_owned()
}

async fn connect_with(server: &Running, headers: &[(&'static str, &'static str)]) -> Result<Socket, Error> {
    let mut request = server.url.as_str().into_client_request()?;
    for &(name, value) in headers {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let tcp = TcpStream::connect(authority(server)).await.unwrap();
    client_async(request, tcp).await.map(|(socket, _)| socket)
}

async fn connect(server: &Running) -> Socket {
    let mut socket = connect_with(server, &[("sec-websocket-protocol", "tsp1")]).await.unwrap();
    assert!(matches!(next(&mut socket).await, Some(ServerFrame::Welcome { flags: 0, .. })));
    socket
}

/// The next frame of the protocol, or `None` at the end.
async fn next(socket: &mut Socket) -> Option<ServerFrame> {
    loop {
        match timeout(Duration::from_secs(10), socket.next()).await.expect("the server goes on") {
            Some(Ok(Message::Binary(bytes))) => return Some(ServerFrame::decode(&bytes).unwrap()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            other => panic!("{other:?}"),
        }
    }
}

async fn say(socket: &mut Socket, frame: &ClientFrame) {
    socket.send(Message::binary(frame.encode())).await.unwrap();
}

fn hello() -> ClientFrame {
    ClientFrame::Hello { version: 1, pow: 0, token: Vec::new() }
}

#[tokio::test]
async fn garbage_is_answered_with_err_1_and_the_end() {
    let server = Server::start(config()).await.unwrap();
    let garbage = [
        Message::binary(vec![]),
        Message::binary(vec![0xEE; 10]),
        Message::binary(vec![0x05; MAX_FRAME_LEN]),
        Message::binary(vec![0x05; MAX_FRAME_LEN + 1]),
        Message::binary(vec![0x05; 1 << 20]),
        Message::text("hello"),
        Message::binary(hello().encode()),
    ];
    for message in garbage {
        let mut socket = connect(&server).await;
        say(&mut socket, &hello()).await;
        // A long message may be cut off while it is still being sent.
        let _ = socket.send(message).await;
        if let Some(frame) = next(&mut socket).await {
            assert_eq!(frame, ServerFrame::Error { channel: 0, code: ErrorCode::BadFrame });
            assert_eq!(next(&mut socket).await, None);
        }
    }
    assert!(server.counters().errors[1] >= 7);
}

#[tokio::test]
async fn err_1_is_really_sent_for_short_garbage() {
    let server = Server::start(config()).await.unwrap();
    for message in
        [Message::binary(vec![0xEE; 10]), Message::text("hello"), Message::binary(vec![5; MAX_FRAME_LEN + 1])]
    {
        let mut socket = connect(&server).await;
        socket.send(message).await.unwrap();
        assert_eq!(next(&mut socket).await, Some(ServerFrame::Error { channel: 0, code: ErrorCode::BadFrame }));
        assert_eq!(next(&mut socket).await, None);
    }
}

#[tokio::test]
async fn browsers_and_other_protocols_are_turned_away() {
    let server = Server::start(config()).await.unwrap();
    let status = async |headers: &[(&'static str, &'static str)]| match connect_with(&server, headers).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
        Ok(_) => 101,
    };
    assert_eq!(status(&[("sec-websocket-protocol", "tsp1"), ("origin", "https://example.org")]).await, 403);
    assert_eq!(status(&[]).await, 400);
    assert_eq!(status(&[("sec-websocket-protocol", "chat")]).await, 400);
    assert_eq!(status(&[("sec-websocket-protocol", "tsp1")]).await, 101);
}

#[tokio::test]
async fn a_flood_is_limited_and_ended() {
    let server = Server::start(config()).await.unwrap();
    let mut socket = connect(&server).await;
    say(&mut socket, &hello()).await;
    let (mut sink, mut stream) = socket.split();
    let flood = tokio::spawn(async move {
        for _ in 0..5000 {
            if sink.send(Message::binary(ClientFrame::Ping(1).encode())).await.is_err() {
                break;
            }
        }
    });
    let mut pongs = 0;
    while let Some(Ok(message)) = timeout(Duration::from_secs(10), stream.next()).await.unwrap() {
        if let Message::Binary(bytes) = message {
            match ServerFrame::decode(&bytes).unwrap() {
                ServerFrame::Pong(1) => pongs += 1,
                other => assert_eq!(other, ServerFrame::Error { channel: 0, code: ErrorCode::Limit }),
            }
        }
    }
    flood.await.unwrap();
    assert!(pongs < 1500, "{pongs}");
    // Only the sender is ended.
    let mut other = connect(&server).await;
    say(&mut other, &hello()).await;
    say(&mut other, &ClientFrame::Ping(2)).await;
    assert_eq!(next(&mut other).await, Some(ServerFrame::Pong(2)));
}

#[tokio::test]
async fn the_slow_are_cut_off_at_each_stage() {
    let mut config = config();
    config.timeouts = Timeouts {
        handshake: Duration::from_millis(300),
        ping: Duration::from_millis(200),
        idle: Duration::from_millis(700),
        ..Timeouts::default()
    };
    let server = Server::start(config).await.unwrap();
    // Says nothing, or half a request.
    for opening in [&b""[..], b"GET / HTTP/1.1\r\nHost: x\r\n"] {
        let mut tcp = TcpStream::connect(authority(&server)).await.unwrap();
        tcp.write_all(opening).await.unwrap();
        let start = Instant::now();
        let end = timeout(Duration::from_secs(5), tcp.read(&mut [0; 64])).await.unwrap();
        assert!(matches!(end, Ok(0) | Err(_)));
        assert!(start.elapsed() >= Duration::from_millis(250));
    }
    // No HELLO; WebSocket pings do not stand for it.
    let mut socket = connect(&server).await;
    for _ in 0..10 {
        if socket.send(Message::Ping(vec![].into())).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    assert_eq!(next(&mut socket).await, None);
    // Reads pings and answers them: stays. Does not: is cut off.
    let mut alive = connect(&server).await;
    say(&mut alive, &hello()).await;
    let mut dead = connect(&server).await;
    say(&mut dead, &hello()).await;
    let _ = timeout(Duration::from_millis(1500), alive.next()).await;
    let until = Instant::now() + Duration::from_millis(1500);
    while let Ok(message) = tokio::time::timeout_at(until, alive.next()).await {
        assert!(matches!(message, Some(Ok(Message::Ping(_)))), "{message:?}");
    }
    say(&mut alive, &ClientFrame::Ping(3)).await;
    assert_eq!(next(&mut alive).await, Some(ServerFrame::Pong(3)));
    assert_eq!(server.counters().connections, 1, "the one that did not read its pings is gone");
}

#[tokio::test]
async fn plain_outside_loopback_and_an_unreachable_relay_address_do_not_start() {
    let start = |listen: &str, tls, relay| Server::start(Config::new(listen.parse().unwrap(), tls, relay));
    let embedded =
        |address: Option<&str>| Relay::Embedded { address: address.map(|text| text.parse().unwrap()), secret: None };
    assert!(matches!(start("0.0.0.0:0", Tls::None, Relay::None).await, Err(StartError::PlainOutsideLoopback)));
    assert!(matches!(start("192.0.2.1:0", Tls::None, Relay::None).await, Err(StartError::PlainOutsideLoopback)));
    assert!(matches!(
        start("0.0.0.0:0", Tls::SelfSigned { key: None }, embedded(None)).await,
        Err(StartError::RelayAddress)
    ));
    let inside = start("0.0.0.0:0", Tls::SelfSigned { key: None }, embedded(Some("127.0.0.1"))).await;
    assert!(matches!(inside, Err(StartError::RelayAddress)), "it would lead into this machine");
    let missing = Tls::Files { cert: "/nonexistent/cert".into(), key: "/nonexistent/key".into() };
    assert!(matches!(start("127.0.0.1:0", missing, Relay::None).await, Err(StartError::Certificate(_))));
}

/// Not a limit that must hold to the byte: the figure is printed, the bound is what would make a small host suffer.
#[tokio::test]
async fn a_waiting_connection_costs_little_memory() {
    let rss_kb = || {
        let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmRSS:")).map(str::to_owned);
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok())
    };
    let mut config = config();
    config.connections_per_address = 1000;
    let server = Server::start(config).await.unwrap();
    let warm: Vec<Socket> = futures_util::future::join_all((0..20).map(|_| connect(&server))).await;
    // The clients are in this process too: raw TCP for them, so that they weigh next to nothing.
    let open = async || {
        let mut tcp = TcpStream::connect(authority(&server)).await.unwrap();
        let request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: tsp1\r\n\r\n";
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut buffer = [0; 512];
        let mut len = 0;
        // The answer's head and WELCOME: 2 + 29 bytes behind the empty line.
        while !buffer[..len].windows(4).any(|four| four == b"\r\n\r\n") {
            len += tcp.read(&mut buffer[len..]).await.unwrap();
        }
        // HELLO, masked with zeros.
        let mut frame = vec![0x82, 0x80 | 11, 0, 0, 0, 0];
        frame.extend(hello().encode());
        tcp.write_all(&frame).await.unwrap();
        tcp
    };
    let before = rss_kb();
    let mut waiting = Vec::new();
    for _ in 0..400 {
        waiting.push(open().await);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.counters().connections, 420);
    if let (Some(before), Some(after)) = (before, rss_kb()) {
        let each = (after - before) / 400.0;
        eprintln!("memory per waiting connection without TLS: {each:.1} KB");
        assert!(each < 40.0, "{each} KB");
    }
    drop((waiting, warm));
}
