//! The sealed signalling channel: SIG records and SYNC (PROTOCOL §5.1, Appendix D).

use std::{collections::VecDeque, ops::Range};

use aes_gcm::{AeadInOut, Aes256Gcm, Key, KeyInit, Tag};
use sotto_identity::{Secret, derive};
use sotto_wire::{
    Cell, CellType, Role, SigMessage, TooLong,
    cell::SUITE,
    fragment::{Reassembler, SIG_PLAINTEXT_LEN, SigFragments},
};
use zeroize::Zeroizing;

use crate::fault::SigFault;

/// Sealed cells kept for SYNC.
const KEPT: usize = 64;
/// Cells resent for one SYNC.
const RESENT_PER_SYNC: u64 = 8;
/// One SYNC is sent, and one is served, in this time.
const SYNC_EVERY_MS: u64 = 1_000;
/// A gap that stays this long ends the channel.
const GAP_LIMIT_MS: u64 = 60_000;
/// A side that waits for a message and got none asks after this time.
const QUIET_MS: u64 = 3_000;
/// It asks that often for a minute, then once a minute …
const QUICK_ASKS: u32 = 20;
const SLOW_QUIET_MS: u64 = 60_000;
/// … and then leaves it to the reconnect: a mailbox carries 512 cells in its life (PROTOCOL §9.1).
const MAX_ASKS: u32 = 60;

/// What a cell brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// A message that this cell completed.
    pub message: Option<SigMessage>,
    /// The cell was sealed by the other side of this session. A SYNC is never authentic.
    pub authentic: bool,
}

struct Gap {
    highest: u64,
    since_ms: u64,
}

/// One side of the signalling channel of one session.
///
/// Records are sealed once: what SYNC asks for goes out again with identical bytes, so no nonce repeats.
pub struct SigChannel {
    role: Role,
    version: u8,
    seal_key: Aes256Gcm,
    open_key: Aes256Gcm,
    tx_next: u64,
    next_msg_id: u32,
    kept: VecDeque<Cell>,
    rx_next: u64,
    reassembler: Reassembler,
    gap: Option<Gap>,
    resend: Range<u64>,
    served_ms: Option<u64>,
    sync_wanted: bool,
    sync_sent_ms: Option<u64>,
    /// When something authentic came last, or when the time was told first.
    heard_ms: Option<u64>,
    expecting: bool,
    asks: u32,
    broken: bool,
}

impl SigChannel {
    /// `key` gives the key of a direction (0 I→R, 1 R→I).
    pub(crate) fn new(role: Role, version: u8, key: impl Fn(u8) -> Secret<32>) -> Self {
        let cipher = |direction| Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key(direction).expose()));
        Self {
            role,
            version,
            seal_key: cipher(role.direction()),
            open_key: cipher(role.peer().direction()),
            tx_next: 0,
            next_msg_id: 0,
            kept: VecDeque::new(),
            rx_next: 0,
            reassembler: Reassembler::new(),
            gap: None,
            resend: 0..0,
            served_ms: None,
            sync_wanted: false,
            sync_sent_ms: None,
            heard_ms: None,
            expecting: true,
            asks: 0,
            broken: false,
        }
    }

    /// Seals a message into one to four cells, to be sent in order. A broken channel, and a CARD longer than a message
    /// may be, give none: see [`try_seal`](Self::try_seal).
    pub fn seal(&mut self, message: &SigMessage) -> Vec<Cell> {
        self.try_seal(message).unwrap_or_default()
    }

    /// Like [`seal`](Self::seal), for messages whose length people choose.
    ///
    /// # Errors
    /// [`TooLong`] if it needs more than four cells, or the message numbers are used up; nothing was sealed.
    pub fn try_seal(&mut self, message: &SigMessage) -> Result<Vec<Cell>, TooLong> {
        let msg_id = u16::try_from(self.next_msg_id).map_err(|_| TooLong)?;
        let fragments = SigFragments::new(msg_id, message)?;
        if self.broken {
            return Ok(Vec::new());
        }
        self.next_msg_id += 1;
        let cells = fragments.map(|pt| self.seal_record(&pt)).collect();
        #[cfg(feature = "lying-candidates-for-test")]
        let cells = self.with_lies(message, cells)?;
        Ok(cells)
    }

    /// The cells of a message and of what is said behind it.
    #[cfg(feature = "lying-candidates-for-test")]
    fn with_lies(&mut self, message: &SigMessage, mut cells: Vec<Cell>) -> Result<Vec<Cell>, TooLong> {
        for (mtype, data) in crate::lying_candidates::behind(message) {
            let msg_id = u16::try_from(self.next_msg_id).map_err(|_| TooLong)?;
            let fragments = SigFragments::from_parts(msg_id, mtype, data)?;
            self.next_msg_id += 1;
            cells.extend(fragments.map(|pt| self.seal_record(&pt)));
        }
        Ok(cells)
    }

    /// Forgets when something was heard: the next [`poll`](Self::poll) tells the time first.
    pub(crate) const fn restart_clock(&mut self) {
        self.heard_ms = None;
    }

    fn seal_record(&mut self, pt: &[u8; SIG_PLAINTEXT_LEN]) -> Cell {
        let mut cell = Cell::with_header(CellType::Sig, self.version, 0);
        let aad = aad(&cell, self.tx_next);
        let body = cell.body_mut();
        body[..8].copy_from_slice(&self.tx_next.to_be_bytes());
        body[8..8 + SIG_PLAINTEXT_LEN].copy_from_slice(pt);
        let tag = self
            .seal_key
            .encrypt_inout_detached(&nonce(self.tx_next).into(), &aad, (&mut body[8..8 + SIG_PLAINTEXT_LEN]).into())
            .expect("a record is far below the limit of AES-GCM");
        body[8 + SIG_PLAINTEXT_LEN..].copy_from_slice(&tag);
        self.tx_next += 1;
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(cell.clone());
        cell
    }

    /// Takes a SIG or SYNC cell. What it leads to leaves by [`poll`](Self::poll).
    ///
    /// # Errors
    /// Not fatal: the cell was dropped and nothing changed. Fatal: the channel is over.
    pub fn receive(&mut self, cell: &Cell, now_ms: u64) -> Result<Received, SigFault> {
        if self.broken {
            return Err(SigFault::Order);
        }
        if cell.version() != self.version || cell.suite() != SUITE || cell.vr() != 0 {
            return Err(SigFault::Header);
        }
        match cell.cell_type() {
            Some(CellType::Sig) => self.record(cell, now_ms),
            Some(CellType::Sync) => self.serve(cell, now_ms).map(|()| Received::default()),
            _ => Err(SigFault::Header),
        }
    }

    fn record(&mut self, cell: &Cell, now_ms: u64) -> Result<Received, SigFault> {
        let (seq, pt) = self.open_record(cell)?;
        self.heard_ms = Some(now_ms);
        self.asks = 0;
        if seq > self.rx_next {
            let gap = self.gap.get_or_insert(Gap { highest: seq, since_ms: now_ms });
            gap.highest = gap.highest.max(seq);
            self.sync_wanted = true;
        }
        if seq != self.rx_next {
            return Ok(Received { message: None, authentic: true });
        }
        let Ok(whole) = self.reassembler.push(&pt[..]) else { return Err(self.fail(SigFault::Order)) };
        self.rx_next += 1;
        if let Some(gap) = &mut self.gap {
            gap.since_ms = now_ms;
            if gap.highest < self.rx_next {
                self.gap = None;
                self.sync_wanted = false;
            }
        }
        let message = match whole {
            None => None,
            // An unknown mtype is ignored.
            Some((mtype, data)) => {
                let data = Zeroizing::new(data);
                #[cfg(feature = "dangerous-plaintext-for-test")]
                crate::dangerous_plaintext::note(mtype, &data);
                match SigMessage::decode(mtype, &data) {
                    Ok(message) => message,
                    Err(_) => return Err(self.fail(SigFault::Message)),
                }
            }
        };
        Ok(Received { message, authentic: true })
    }

    /// The tag is checked first, with the cell's own number (PROTOCOL, Appendix D).
    fn open_record(&self, cell: &Cell) -> Result<(u64, Zeroizing<[u8; SIG_PLAINTEXT_LEN]>), SigFault> {
        let (seq, sealed) = cell.body().split_first_chunk::<8>().ok_or(SigFault::Header)?;
        let (text, tag) = sealed.split_first_chunk::<SIG_PLAINTEXT_LEN>().ok_or(SigFault::Header)?;
        let tag = <[u8; 16]>::try_from(tag).map_err(|_| SigFault::Header)?;
        let seq = u64::from_be_bytes(*seq);
        let mut pt = Zeroizing::new(*text);
        self.open_key
            .decrypt_inout_detached(&nonce(seq).into(), &aad(cell, seq), (&mut pt[..]).into(), &Tag::from(tag))
            .map_err(|_| SigFault::Tag)?;
        Ok((seq, pt))
    }

    /// A SYNC is unauthenticated: it can only cause identical bytes to be sent again, few and slowly.
    fn serve(&mut self, cell: &Cell, now_ms: u64) -> Result<(), SigFault> {
        let next = cell.sync_next_expected().map_err(|_| SigFault::Header)?;
        if next > self.tx_next || next < self.oldest_kept() {
            return Err(SigFault::Header);
        }
        if !is_due(self.served_ms, now_ms) || next == self.tx_next {
            return Ok(());
        }
        self.served_ms = Some(now_ms);
        self.resend = next..self.tx_next.min(next + RESENT_PER_SYNC);
        Ok(())
    }

    fn oldest_kept(&self) -> u64 {
        self.tx_next - self.kept.len() as u64
    }

    fn fail(&mut self, fault: SigFault) -> SigFault {
        self.broken = true;
        fault
    }

    /// Asks for what may have been lost, with the next [`poll`](Self::poll): when either connection returned.
    pub const fn request_sync(&mut self) {
        self.sync_wanted = true;
    }

    /// Whether this side waits for a message, and so asks every 3 s while none comes (a lost last cell would dead-lock).
    /// On from the start; switch it off when only people are waited for.
    pub const fn set_expecting(&mut self, expecting: bool) {
        self.expecting = expecting;
    }

    /// The next cell to send: repeated records, then SYNC. Call it until `None`, once after the channel was made, after
    /// each [`receive`](Self::receive), and at [`wake_at`](Self::wake_at).
    pub fn poll(&mut self, now_ms: u64) -> Option<Cell> {
        let heard_ms = *self.heard_ms.get_or_insert(now_ms);
        if self.is_broken(now_ms) {
            return None;
        }
        while let Some(seq) = self.resend.next() {
            // Sealing in between may have pushed it out.
            let index = seq.checked_sub(self.oldest_kept()).and_then(|index| usize::try_from(index).ok());
            if let Some(cell) = index.and_then(|index| self.kept.get(index)) {
                return Some(cell.clone());
            }
        }
        if let Some(due_ms) = self.quiet_due(heard_ms)
            && now_ms >= due_ms
        {
            self.sync_wanted = true;
            self.asks += 1;
        }
        if self.gap.is_none() && !self.sync_wanted || !is_due(self.sync_sent_ms, now_ms) {
            return None;
        }
        self.sync_wanted = false;
        self.sync_sent_ms = Some(now_ms);
        Some(Cell::sync(self.version, self.rx_next))
    }

    /// When silence is asked about next.
    fn quiet_due(&self, heard_ms: u64) -> Option<u64> {
        if !self.expecting || self.asks >= MAX_ASKS {
            return None;
        }
        let quiet = if self.asks < QUICK_ASKS { QUIET_MS } else { SLOW_QUIET_MS };
        Some(self.sync_sent_ms.map_or(heard_ms, |sent| sent.max(heard_ms)).saturating_add(quiet))
    }

    /// When [`poll`](Self::poll) has something to do next; 0 if it has at once, or was never called.
    #[must_use]
    pub fn wake_at(&self) -> Option<u64> {
        let Some(heard_ms) = self.heard_ms else { return Some(0) };
        if self.broken {
            return None;
        }
        if !self.resend.is_empty() {
            return Some(0);
        }
        let wanted = (self.sync_wanted || self.gap.is_some())
            .then(|| self.sync_sent_ms.map_or(0, |sent| sent.saturating_add(SYNC_EVERY_MS)));
        let broken = self.gap.as_ref().map(|gap| gap.since_ms.saturating_add(GAP_LIMIT_MS));
        [wanted, self.quiet_due(heard_ms), broken].into_iter().flatten().min()
    }

    /// `E_SIG_ORDER`: the order was broken, or a gap stayed for 60 s. From G1 on this ends the channel only.
    #[must_use]
    pub fn is_broken(&self, now_ms: u64) -> bool {
        self.broken || self.gap.as_ref().is_some_and(|gap| now_ms.saturating_sub(gap.since_ms) >= GAP_LIMIT_MS)
    }

    /// Hash of everything that cells and time can change, but no key: for tests that a dropped cell changed nothing.
    #[must_use]
    pub fn state_digest(&self) -> [u8; 64] {
        let plain = format!(
            "{:?}",
            (
                self.tx_next,
                self.next_msg_id,
                self.rx_next,
                &self.reassembler,
                self.gap.as_ref().map(|gap| (gap.highest, gap.since_ms)),
                &self.resend,
                (self.served_ms, self.sync_wanted, self.sync_sent_ms, self.heard_ms),
                (self.expecting, self.asks, self.broken),
            )
        );
        let kept: Vec<u8> = self.kept.iter().flat_map(|cell| cell.as_bytes()[4..28].to_vec()).collect();
        derive::hash("sig state", &[plain.as_bytes(), &kept])
    }
}

impl core::fmt::Debug for SigChannel {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SigChannel({:?}, tx {}, rx {})", self.role, self.tx_next, self.rx_next)
    }
}

fn is_due(last_ms: Option<u64>, now_ms: u64) -> bool {
    last_ms.is_none_or(|last| now_ms.saturating_sub(last) >= SYNC_EVERY_MS)
}

/// 32 zero bits, then the sequence number.
fn nonce(seq: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&seq.to_be_bytes());
    nonce
}

/// `cell[0..4] || u64 seq`
fn aad(cell: &Cell, seq: u64) -> [u8; 12] {
    let mut aad = [0; 12];
    aad[..4].copy_from_slice(&cell.header());
    aad[4..].copy_from_slice(&seq.to_be_bytes());
    aad
}
