//! The one task of a connection: dials, pumps, waits, dials again.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use sotto_wire::server::{ClientFrame, ServerFrame};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    Endpoint, OfflineReason, Report, Request,
    backoff::Backoff,
    book::Book,
    dial::{Socket, Target, dial},
    tls::connector,
};

/// Requests that may wait for the task; more are refused by [`Signaling::send`].
const REQUESTS: usize = 1024;
/// Reports that may wait for the engine; then nothing more is read from the server.
const REPORTS: usize = 256;
/// Silence after which we ask whether the server is still there.
const PING: Duration = Duration::from_secs(15);
/// Silence after which the connection counts as lost.
const IDLE: Duration = Duration::from_secs(30);
/// The same while the server owes an answer.
const ANSWER: Duration = Duration::from_secs(5);
/// A connection that held for so long lets the pauses start anew.
const STEADY: Duration = Duration::from_secs(30);

/// Handle of a connection to one server. The connection ends when it is dropped.
#[derive(Debug)]
pub struct Signaling {
    requests: mpsc::Sender<Box<Request>>,
}

impl Signaling {
    /// Starts connecting, in a task of the present tokio runtime. Read the reports: the task waits for it. They are boxed
    /// because a channel's slots keep the bytes of what went through them, and of the stack that it came from.
    #[must_use]
    pub fn start(endpoint: Endpoint) -> (Self, mpsc::Receiver<Box<Report>>) {
        let (requests, request_queue) = mpsc::channel(REQUESTS);
        let (reports, report_queue) = mpsc::channel(REPORTS);
        tokio::spawn(Task { endpoint, requests: request_queue, reports, book: Book::default() }.run());
        (Self { requests }, report_queue)
    }

    /// Passes a request on; never waits. `false` if it was dropped because a thousand are waiting already.
    pub fn send(&self, request: Request) -> bool {
        self.requests.try_send(Box::new(request)).is_ok()
    }
}

/// The engine has let go of its end.
struct Gone;

struct Task {
    endpoint: Endpoint,
    requests: mpsc::Receiver<Box<Request>>,
    reports: mpsc::Sender<Box<Report>>,
    book: Book,
}

impl Task {
    async fn run(mut self) {
        let mut backoff = Backoff::default();
        let mut tls = None;
        while self.once(&mut backoff, &mut tls).await.is_ok() {}
    }

    /// One connection and the pause after it.
    async fn once(&mut self, backoff: &mut Backoff, tls: &mut Option<TlsConnector>) -> Result<(), Gone> {
        let endpoint = self.endpoint.clone();
        let attempt = async {
            let target = Target::parse(&endpoint.url).ok_or(OfflineReason::Protocol)?;
            if target.secure && tls.is_none() {
                // Reads the system's roots: a few milliseconds of files.
                let made = tokio::task::spawn_blocking(move || connector(&endpoint)).await;
                *tls = Some(made.map_err(|_| OfflineReason::Certificate)??);
            }
            dial(&target, tls.as_ref()).await
        };
        tokio::pin!(attempt);
        let dialled = loop {
            tokio::select! {
                dialled = &mut attempt => break dialled,
                request = self.requests.recv() => {
                    self.book.request(*request.ok_or(Gone)?);
                    deliver(&mut self.book, &self.reports).await?;
                }
            }
        };
        let start = Instant::now();
        let reason = match dialled {
            Ok((socket, welcome)) => {
                self.book.online(welcome.unix_time, welcome.turn);
                self.pump(socket).await?
            }
            Err(reason) => reason,
        };
        if start.elapsed() >= STEADY {
            backoff.reset();
        }
        let pause = backoff.next();
        self.book.offline(reason, u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        deliver(&mut self.book, &self.reports).await?;
        let wait = sleep(pause);
        tokio::pin!(wait);
        loop {
            tokio::select! {
                () = &mut wait => return Ok(()),
                request = self.requests.recv() => {
                    self.book.request(*request.ok_or(Gone)?);
                    deliver(&mut self.book, &self.reports).await?;
                }
            }
        }
    }

    /// Passes frames until the connection ends; says why it did.
    async fn pump(&mut self, mut socket: Socket) -> Result<OfflineReason, Gone> {
        let mut heard = Instant::now();
        let mut sent = heard;
        let mut pinged = false;
        loop {
            // Reports first: the engine learns of Online before anything that follows from it.
            deliver(&mut self.book, &self.reports).await?;
            while let Some(frame) = self.book.frame() {
                if !write(&mut socket, &frame).await {
                    return Ok(OfflineReason::Lost);
                }
                sent = Instant::now();
            }
            let give_up = if self.book.awaits_answer() { heard.max(sent) + ANSWER } else { heard + IDLE };
            let ping_at = if pinged { give_up } else { (heard + PING).min(give_up) };
            tokio::select! {
                message = socket.next() => {
                    heard = Instant::now();
                    pinged = false;
                    match message {
                        Some(Ok(Message::Binary(bytes))) => {
                            let Ok(frame) = ServerFrame::decode(&bytes) else { return Ok(OfflineReason::Protocol) };
                            if let Err(reason) = self.book.answer(frame) {
                                return Ok(reason);
                            }
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Text(_) | Message::Frame(_))) => return Ok(OfflineReason::Protocol),
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(OfflineReason::Lost),
                    }
                }
                request = self.requests.recv() => match request {
                    Some(request) => self.book.request(*request),
                    None => {
                        let _ = timeout(Duration::from_secs(1), socket.close(None)).await;
                        return Err(Gone);
                    }
                },
                () = sleep_until(ping_at) => {
                    if Instant::now() >= give_up {
                        return Ok(OfflineReason::Lost);
                    }
                    pinged = true;
                    if !write(&mut socket, &ClientFrame::Ping(0)).await {
                        return Ok(OfflineReason::Lost);
                    }
                }
            }
        }
    }
}

/// Hands the reports to the engine, waiting until it takes them.
async fn deliver(book: &mut Book, reports: &mpsc::Sender<Box<Report>>) -> Result<(), Gone> {
    while let Some(report) = book.report() {
        reports.send(Box::new(report)).await.map_err(|_| Gone)?;
    }
    Ok(())
}

async fn write(socket: &mut Socket, frame: &ClientFrame) -> bool {
    matches!(timeout(ANSWER, socket.send(Message::binary(frame.encode()))).await, Ok(Ok(())))
}
