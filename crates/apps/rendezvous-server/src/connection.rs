//! One connection from its handshake to its end.

use std::{net::IpAddr, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, interval_at, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async_with_config,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
        http::{HeaderMap, HeaderValue, StatusCode, header},
        protocol::WebSocketConfig,
    },
};

use sotto_wire::server::MAX_FRAME_LEN;

use crate::{Timeouts, hub::Hub};

/// The WebSocket subprotocol.
const SUBPROTOCOL: &str = "tsp1";
/// WebSocket control frames that may come between two pings of ours.
const CONTROL_FRAMES: u32 = 60;

/// Serves a connection; `refused` ones get as far as an HTTP answer that says so.
pub async fn serve(
    tcp: TcpStream,
    ip: IpAddr,
    tls: Option<TlsAcceptor>,
    hub: Arc<Hub>,
    times: Timeouts,
    refused: bool,
) {
    // Cells are whole messages; waiting for more to send only delays them.
    let _ = tcp.set_nodelay(true);
    match tls {
        None => handshake_and_run(tcp, ip, hub, times, refused, Instant::now()).await,
        Some(acceptor) => {
            let start = Instant::now();
            if let Ok(Ok(stream)) = timeout(times.handshake, acceptor.accept(tcp)).await {
                handshake_and_run(stream, ip, hub, times, refused, start).await;
            }
        }
    }
}

async fn handshake_and_run<S>(stream: S, ip: IpAddr, hub: Arc<Hub>, times: Timeouts, refused: bool, start: Instant)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(1024)
        .write_buffer_size(0)
        .max_write_buffer_size(64 << 10)
        .max_message_size(Some(MAX_FRAME_LEN))
        .max_frame_size(Some(MAX_FRAME_LEN));
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    let callback = |request: &Request, response: Response| answer(request.headers(), response, refused);
    let left = times.handshake.saturating_sub(start.elapsed());
    let accepted = timeout(left, Box::pin(accept_hdr_async_with_config(stream, callback, Some(config)))).await;
    if let Ok(Ok(socket)) = accepted {
        run(socket, ip, &hub, &times).await;
    }
}

#[expect(clippy::result_large_err, reason = "the library's signature")]
fn answer(headers: &HeaderMap, mut response: Response, refused: bool) -> Result<Response, ErrorResponse> {
    let status = if refused {
        StatusCode::TOO_MANY_REQUESTS
    } else if headers.contains_key(header::ORIGIN) {
        // Only browsers send it.
        StatusCode::FORBIDDEN
    } else if !asks_for_tsp1(headers) {
        StatusCode::BAD_REQUEST
    } else {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        return Ok(response);
    };
    let mut error = ErrorResponse::new(None);
    *error.status_mut() = status;
    Err(error)
}

fn asks_for_tsp1(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|name| name.trim() == SUBPROTOCOL)
}

async fn run<S>(mut socket: WebSocketStream<S>, ip: IpAddr, hub: &Hub, times: &Timeouts)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (id, mut frames) = hub.connect(ip);
    let mut heard = Instant::now();
    let mut greeted = false;
    let mut reading = true;
    let mut control = 0;
    let mut pings = interval_at(heard + times.ping, times.ping);
    loop {
        let silence = if greeted { times.idle } else { times.handshake };
        tokio::select! {
            message = socket.next(), if reading => {
                match message {
                    Some(Ok(Message::Binary(bytes))) => {
                        hub.frame(id, &bytes);
                        greeted = true;
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) if control < CONTROL_FRAMES => control += 1,
                    // Text, a frame too long, or against the rules: it is told so, then closed.
                    Some(Ok(Message::Text(_) | Message::Frame(_) | Message::Ping(_) | Message::Pong(_))) => {
                        hub.violation(id);
                        reading = false;
                    }
                    Some(Err(error)) if is_violation(&error) => {
                        hub.violation(id);
                        reading = false;
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                }
                // A ping of its own does not stand for HELLO.
                if greeted {
                    heard = Instant::now();
                }
            }
            frame = frames.recv() => {
                let Some(frame) = frame else {
                    let _ = timeout(Duration::from_secs(1), socket.close(None)).await;
                    break;
                };
                let message = Message::binary(frame.bytes.clone());
                if !matches!(timeout(times.write, socket.send(message)).await, Ok(Ok(()))) {
                    break;
                }
            }
            _ = pings.tick() => {
                control = 0;
                if !matches!(timeout(times.write, socket.send(Message::Ping(Vec::new().into()))).await, Ok(Ok(()))) {
                    break;
                }
            }
            () = tokio::time::sleep_until(heard + silence) => break,
        }
    }
    hub.disconnect(id);
}

fn is_violation(error: &tokio_tungstenite::tungstenite::Error) -> bool {
    use tokio_tungstenite::tungstenite::{Error, error::ProtocolError};
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => false,
        Error::Protocol(_) | Error::Capacity(_) | Error::Utf8(_) => true,
        _ => false,
    }
}
