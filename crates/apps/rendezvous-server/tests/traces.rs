//! What a running server leaves behind: on the disk, and to other programs of the computer.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use sotto_netlab::{Exposure, ordinary, skip};
use sotto_wire::{
    Cell,
    server::{ClientFrame, MailboxId, ServerFrame, TurnCredentials},
};
use tokio::{
    net::{TcpStream, UdpSocket},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};
use turn::client::{Client, ClientConfig};
use webrtc_util::Conn;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sotto-rendezvous");
const OPEN: [&str; 3] = ["--listen", "127.0.0.1:0", "--embedded-relay"];

/// A program whose first byte into any file ends it: for the system, no file may be longer than nothing.
fn without_files(program: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 0 && exec \"$0\" \"$@\"", program]);
    command
}

/// Where programs put files that nobody names: all of them one empty folder.
fn at_home_in(command: &mut Command, folder: &Path) {
    command.current_dir(folder).env_remove("RUST_LOG");
    for variable in ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"] {
        command.env(variable, folder);
    }
}

/// An empty folder of its own for each test.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("sotto-server-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    ready: Value,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = serde_json::from_str(&lines.next().expect("it is not ended").unwrap()).unwrap();
        Self { child, lines, ready }
    }

    fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it as an operator does: it must not have been ended before, and have said nothing.
    fn stop(self) {
        self.signal(rustix::process::Signal::TERM);
        let output = self.child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", output.status);
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn connect(&self) -> WebSocketStream<TcpStream> {
        let url = self.ready["url"].as_str().unwrap();
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("tsp1"));
        let authority = url.trim_start_matches("ws://").trim_end_matches('/');
        let (mut socket, _) = client_async(request, TcpStream::connect(authority).await.unwrap()).await.unwrap();
        say(&mut socket, ClientFrame::Hello { version: 1, pow: 0, token: Vec::new() }).await;
        socket
    }

    async fn relayed(&self, credentials: &TurnCredentials) -> (Client, impl Conn + use<>) {
        let relay = self.ready["relay"].as_str().unwrap().trim_start_matches("turn:").split('?').next().unwrap();
        let client = Client::new(ClientConfig {
            stun_serv_addr: relay.to_owned(),
            turn_serv_addr: relay.to_owned(),
            username: credentials.username.clone(),
            password: credentials.password.clone(),
            realm: String::new(),
            software: String::new(),
            rto_in_ms: 0,
            conn: Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap()),
            vnet: None,
        })
        .await
        .unwrap();
        client.listen().await.unwrap();
        let conn = client.allocate().await.unwrap();
        (client, conn)
    }
}

async fn say(socket: &mut WebSocketStream<TcpStream>, frame: ClientFrame) {
    socket.send(Message::binary(frame.encode())).await.unwrap();
}

/// The first answer that `wanted` takes.
async fn answer<T>(socket: &mut WebSocketStream<TcpStream>, wanted: impl Fn(ServerFrame) -> Option<T>) -> T {
    loop {
        let message = timeout(Duration::from_secs(10), socket.next()).await.expect("it answers").unwrap().unwrap();
        if let Message::Binary(bytes) = message
            && let Some(found) = wanted(ServerFrame::decode(&bytes).unwrap())
        {
            return found;
        }
    }
}

async fn receive(conn: &impl Conn) -> Option<(Vec<u8>, SocketAddr)> {
    let mut buffer = [0; 1500];
    let (len, from) = timeout(Duration::from_millis(300), conn.recv_from(&mut buffer)).await.ok()?.unwrap();
    Some((buffer[..len].to_vec(), from))
}

/// What two people's programs do: a code, cells both ways in a mailbox, credentials, packets by the relay; and what a
/// stranger does.
async fn hold_a_session(server: &Server) {
    let (mut therapist, mut client) = (server.connect().await, server.connect().await);
    say(&mut therapist, ClientFrame::Alloc).await;
    let _code = answer(&mut therapist, |frame| match frame {
        ServerFrame::Allocated { nameplate, .. } => Some(nameplate),
        _ => None,
    })
    .await;
    let mailbox = MailboxId([7; 32]);
    let opened = |frame| matches!(frame, ServerFrame::Opened { .. }).then_some(());
    for (side, socket) in [&mut therapist, &mut client].into_iter().enumerate() {
        say(socket, ClientFrame::Open { mailbox, side: u8::from(side == 0), owner: [side as u8; 16] }).await;
        answer(socket, opened).await;
    }
    for n in 0..20_u8 {
        let mut bytes = vec![n; 4096];
        bytes[..4].copy_from_slice(&[1, 1, 1, 0]);
        let cell = Cell::from_bytes(&bytes).unwrap();
        let (from, to) = if n % 2 == 0 { (&mut therapist, &mut client) } else { (&mut client, &mut therapist) };
        say(from, ClientFrame::Add { channel: 1, cell: cell.clone() }).await;
        let came = answer(to, |frame| match frame {
            ServerFrame::Message { cell, .. } => Some(cell),
            _ => None,
        })
        .await;
        assert!(came == cell);
    }
    say(&mut therapist, ClientFrame::Turn(1)).await;
    let credentials = answer(&mut therapist, |frame| match frame {
        ServerFrame::TurnCredentials(credentials) => Some(credentials),
        _ => None,
    })
    .await;
    let ((a, relayed_a), (b, relayed_b)) = (server.relayed(&credentials).await, server.relayed(&credentials).await);
    let (address_a, address_b) = (relayed_a.local_addr().unwrap(), relayed_b.local_addr().unwrap());
    let mut came = 0;
    for n in 0..100_u8 {
        relayed_a.send_to(&[n; 1000], address_b).await.unwrap();
        relayed_b.send_to(&[n; 100], address_a).await.unwrap();
        came += usize::from(receive(&relayed_b).await.is_some()) + usize::from(receive(&relayed_a).await.is_some());
    }
    assert!(came > 150, "{came} packets came by the relay");
    let mut stranger = server.connect().await;
    stranger.send(Message::binary(vec![0xEE; 10])).await.unwrap();
    while let Some(Ok(_)) = stranger.next().await {}
    for relayed in [a, b] {
        relayed.close().await.unwrap();
    }
}

/// Files that a program could write to, by what it has open; `None` where a test may not look.
fn open_to_write(pid: u32) -> Option<Vec<PathBuf>> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let number = |text: &str| u32::from_str_radix(text.trim(), 8).unwrap();
    let writable = open.flatten().filter(|entry| {
        let is_file = fs::metadata(entry.path()).is_ok_and(|open| open.is_file());
        let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{}", entry.file_name().display()));
        let flags = info.unwrap_or_default().lines().find_map(|line| line.strip_prefix("flags:").map(number));
        is_file && flags.is_none_or(|flags| flags & 3 != 0)
    });
    Some(writable.map(|entry| fs::read_link(entry.path()).unwrap_or_default()).collect())
}

/// Bytes that a program made the system write to a disk.
fn bytes_written(pid: u32) -> Option<u64> {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).map(|bytes| bytes.parse().unwrap())
}

#[test]
fn a_byte_in_a_file_would_end_the_server() {
    let folder = folder("control");
    let mut command = without_files("sh");
    at_home_in(&mut command, &folder);
    let output = command.args(["-c", "/bin/echo x > file"]).output().unwrap();
    assert!(!output.status.success());
    assert_eq!(fs::read(folder.join("file")).unwrap(), b"");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "and a file without a byte is seen in the folder");
    // What is written and kept open is seen too.
    let file = fs::File::create(folder.join("file")).unwrap();
    let own = open_to_write(std::process::id()).unwrap();
    assert!(own.iter().any(|open| open.starts_with(&folder)), "{own:?}");
    drop(file);
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_server_writes_nothing_to_disk_while_people_meet() {
    for more in [&[][..], &["--tls-self-signed"]] {
        let folder = folder("traces");
        let mut command = without_files(PROGRAM);
        at_home_in(&mut command, &folder);
        command.args(OPEN).args(more);
        let mut server = Server::start(command);
        if more.is_empty() {
            hold_a_session(&server).await;
        }
        server.signal(rustix::process::Signal::USR1);
        let counters: Value = serde_json::from_str(&server.lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(counters["cells"].as_u64().unwrap() > 0, more.is_empty(), "{counters}");
        let pid = server.child.id();
        match (open_to_write(pid), bytes_written(pid)) {
            (Some(open), Some(written)) => {
                assert_eq!(open, Vec::<PathBuf>::new());
                assert_eq!(written, 0);
            }
            _ => skip("only root may see what the server has open"),
        }
        server.stop();
        let left: Vec<_> = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path()).collect();
        assert!(left.is_empty(), "{left:?}");
        fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn a_running_server_dumps_no_core_and_lets_no_program_read_it() {
    let mut command = ordinary(PROGRAM);
    command.args(OPEN);
    let server = Server::start(command);
    assert_eq!(Exposure::of(server.child.id()).unwrap(), Exposure::none());
    server.stop();
}
