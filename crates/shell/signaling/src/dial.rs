//! From an endpoint to an open WebSocket that has shown its WELCOME, within four seconds or with a reason.

use std::{net::SocketAddr, time::Duration};

use futures_util::StreamExt;
use rustls::pki_types::ServerName;
use sotto_wire::server::{MAX_FRAME_LEN, ServerFrame};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        http::{HeaderValue, StatusCode, Uri, header},
        protocol::WebSocketConfig,
    },
};

use crate::{OfflineReason, tls};

/// Everything together.
const CONNECT: Duration = Duration::from_secs(4);
/// One of several addresses of a name.
const ONE_ADDRESS: Duration = Duration::from_millis(1500);
/// The version of the server protocol that this client speaks.
const VERSION: u8 = 1;

/// A byte stream, plain or in TLS.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// An open connection.
pub type Socket = WebSocketStream<Box<dyn Stream>>;

/// Where to go, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// With TLS.
    pub secure: bool,
    host: String,
    port: u16,
    uri: Uri,
}

/// What WELCOME said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Welcome {
    pub unix_time: u64,
    pub turn: bool,
}

impl Target {
    /// `None` for anything but `wss://…`, and `ws://…` to this computer itself.
    pub fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.split('#').next()?.parse().ok()?;
        let secure = match uri.scheme_str()? {
            "wss" => true,
            "ws" => false,
            _ => return None,
        };
        if uri.authority()?.as_str().contains('@') {
            return None;
        }
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let local =
            host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.to_canonical().is_loopback());
        (!host.is_empty() && (secure || local)).then_some(Self { secure, host, port, uri })
    }
}

/// Connects.
pub async fn dial(target: &Target, tls: Option<&TlsConnector>) -> Result<(Socket, Welcome), OfflineReason> {
    let deadline = Instant::now() + CONNECT;
    let addresses: Vec<SocketAddr> = match timeout_at(deadline, lookup_host((target.host.as_str(), target.port))).await
    {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(_)) | Err(_) => return Err(OfflineReason::Dns),
    };
    if addresses.is_empty() {
        return Err(OfflineReason::Dns);
    }
    match timeout_at(deadline, open(target, tls, &addresses)).await {
        Ok(result) => result,
        Err(_) => Err(OfflineReason::Unreachable),
    }
}

async fn open(
    target: &Target,
    tls: Option<&TlsConnector>,
    addresses: &[SocketAddr],
) -> Result<(Socket, Welcome), OfflineReason> {
    let tcp = reach(target, addresses).await?;
    // Cells are whole messages; waiting for more to send only delays them.
    let _ = tcp.set_nodelay(true);
    let stream: Box<dyn Stream> = match (target.secure, tls) {
        (false, _) => Box::new(tcp),
        (true, Some(connector)) => {
            let name = ServerName::try_from(target.host.clone()).map_err(|_| OfflineReason::Dns)?;
            Box::new(connector.connect(name, tcp).await.map_err(|error| tls::reason(&error))?)
        }
        (true, None) => return Err(OfflineReason::Certificate),
    };
    let mut request = target.uri.clone().into_client_request().map_err(|_| OfflineReason::Protocol)?;
    request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("tsp1"));
    let config = WebSocketConfig::default()
        .read_buffer_size(8 << 10)
        .write_buffer_size(0)
        .max_write_buffer_size(1 << 20)
        .max_message_size(Some(MAX_FRAME_LEN))
        .max_frame_size(Some(MAX_FRAME_LEN));
    let (mut socket, _) =
        client_async_with_config(request, stream, Some(config)).await.map_err(|error| handshake_reason(&error))?;
    let welcome = loop {
        match socket.next().await {
            Some(Ok(Message::Binary(bytes))) => break welcome(&bytes)?,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            _ => return Err(OfflineReason::Protocol),
        }
    };
    Ok((socket, welcome))
}

async fn reach(target: &Target, addresses: &[SocketAddr]) -> Result<TcpStream, OfflineReason> {
    for address in addresses {
        // "localhost" could be made to mean another computer.
        if !target.secure && !address.ip().to_canonical().is_loopback() {
            continue;
        }
        let one = if addresses.len() == 1 { CONNECT } else { ONE_ADDRESS };
        if let Ok(Ok(tcp)) = timeout(one, TcpStream::connect(address)).await {
            return Ok(tcp);
        }
    }
    Err(OfflineReason::Unreachable)
}

fn handshake_reason(error: &Error) -> OfflineReason {
    match error {
        Error::Http(response)
            if [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&response.status()) =>
        {
            OfflineReason::Full
        }
        Error::Io(error) => tls::reason(error),
        _ => OfflineReason::Protocol,
    }
}

fn welcome(bytes: &[u8]) -> Result<Welcome, OfflineReason> {
    match ServerFrame::decode(bytes) {
        // Proof of work is not spoken yet.
        Ok(ServerFrame::Welcome { version_min, version_max, pow_bits: 0, flags, unix_time, .. })
            if (version_min..=version_max).contains(&VERSION) =>
        {
            Ok(Welcome { unix_time, turn: flags & 2 != 0 })
        }
        _ => Err(OfflineReason::Protocol),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_connections_stay_on_this_computer() {
        for good in
            ["wss://example.org", "wss://192.0.2.1:8443/x", "ws://127.0.0.1:80/", "ws://[::1]/", "ws://localhost:9"]
        {
            assert!(Target::parse(good).is_some(), "{good}");
        }
        for bad in [
            "ws://example.org/",
            "ws://192.0.2.1/",
            "ws://127.0.0.1.example.org/",
            "ws://localhost.example.org/",
            "ws://127.0.0.1@192.0.2.1/",
            "wss://user:pass@example.org/",
            "https://example.org/",
            "wss:///x",
            "",
            "example.org",
        ] {
            assert_eq!(Target::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn ports_and_brackets() {
        let target = |url| Target::parse(url).map(|t| (t.host, t.port));
        assert_eq!(target("wss://example.org/#spki=x"), Some(("example.org".into(), 443)));
        assert_eq!(target("ws://[::1]"), Some(("::1".into(), 80)));
        assert_eq!(target("wss://[2001:db8::1]:444/p"), Some(("2001:db8::1".into(), 444)));
    }

    #[test]
    fn a_welcome_of_another_version_or_with_proof_of_work_is_not_ours() {
        let frame = |version_min, version_max, pow_bits| {
            ServerFrame::Welcome { version_min, version_max, pow_bits, nonce: [0; 16], flags: 2, unix_time: 5 }.encode()
        };
        assert_eq!(welcome(&frame(1, 3, 0)), Ok(Welcome { unix_time: 5, turn: true }));
        assert_eq!(welcome(&frame(2, 3, 0)), Err(OfflineReason::Protocol));
        assert_eq!(welcome(&frame(1, 1, 18)), Err(OfflineReason::Protocol));
        assert_eq!(welcome(&ServerFrame::Pong(1).encode()), Err(OfflineReason::Protocol));
        assert_eq!(welcome(&[]), Err(OfflineReason::Protocol));
    }
}
