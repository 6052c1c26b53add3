//! What both sides must agree on before a handshake, and the prologue made of it (PROTOCOL §4.2, §4.6).

use sotto_identity::Secret;
use sotto_wire::{Cell, VersionRange, cell::SUITE};

use crate::fault::HandshakeFault;

/// What a handshake is for; contexts of different purposes never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// First contact by a long invite.
    Invite {
        /// `H("invite ctx"; invite)[0..32]`, see [`InviteKeys`](crate::InviteKeys).
        context: [u8; 32],
    },
    /// First contact by a spoken code.
    Code {
        /// `H("cpace ctx"; sid, CI, Ya, Yb)[0..32]`, given by CPace.
        context: [u8; 32],
    },
    /// A contact whose key is pinned.
    Pinned,
}

impl Purpose {
    const fn byte(self) -> u8 {
        match self {
            Self::Invite { .. } => 1,
            Self::Code { .. } => 2,
            Self::Pinned => 3,
        }
    }

    /// Two keys meet for the first time (XX), or both are pinned (KK).
    #[must_use]
    pub const fn is_first_contact(self) -> bool {
        !matches!(self, Self::Pinned)
    }
}

/// Everything that the prologue and the version checks need.
pub struct Params {
    pub(crate) purpose: Purpose,
    pub(crate) address: [u8; 32],
    pub(crate) psk0: Secret<32>,
    pub(crate) version: u8,
    /// Header byte of HS1, not checked yet.
    pub(crate) vr_i: u8,
    pub(crate) own: VersionRange,
    printed: Option<VersionRange>,
    announced: Option<VersionRange>,
    floor: u8,
}

impl Params {
    /// For the client. `address` is the mailbox, `version` what it picked: `min(own max, last authenticated peer max)`
    /// from the invite or the contact record, its own maximum for a spoken code.
    #[must_use]
    pub const fn initiator(purpose: Purpose, address: [u8; 32], psk0: Secret<32>, version: u8) -> Self {
        let own = VersionRange::OURS;
        Self { purpose, address, psk0, version, vr_i: own.to_byte(), own, printed: None, announced: None, floor: 1 }
    }

    /// For the therapist: the version and the client's range come from the HS1, and are checked by `respond`.
    #[must_use]
    pub const fn responder(purpose: Purpose, address: [u8; 32], psk0: Secret<32>, hs1: &Cell) -> Self {
        let (version, vr_i) = (hs1.version(), hs1.vr());
        Self {
            purpose,
            address,
            psk0,
            version,
            vr_i,
            own: VersionRange::OURS,
            printed: None,
            announced: None,
            floor: 1,
        }
    }

    /// The therapist's range as the invite printed it: a therapist who upgraded since is still met at that version.
    #[must_use]
    pub const fn with_printed(mut self, range: VersionRange) -> Self {
        self.printed = Some(range);
        self
    }

    /// The client's range as its PA1 announced it; HS1 must repeat it.
    #[must_use]
    pub const fn with_announced(mut self, range: VersionRange) -> Self {
        self.announced = Some(range);
        self
    }

    /// The contact's floor: the highest version ever completed with it.
    #[must_use]
    pub const fn with_floor(mut self, floor: u8) -> Self {
        self.floor = floor;
        self
    }

    /// Another own range than this build's, for tests of upgrades.
    #[must_use]
    pub const fn with_own_versions(mut self, role: sotto_wire::Role, range: VersionRange) -> Self {
        self.own = range;
        if matches!(role, sotto_wire::Role::Initiator) {
            self.vr_i = range.to_byte();
        }
        self
    }

    /// `"TSP1" | purpose | suite | vr_I | version | addr | u16 len | ctx`
    pub(crate) fn prologue(&self) -> Vec<u8> {
        let context: &[u8] = match &self.purpose {
            Purpose::Invite { context } | Purpose::Code { context } => context,
            Purpose::Pinned => &[],
        };
        let mut prologue = b"TSP1".to_vec();
        prologue.extend_from_slice(&[self.purpose.byte(), SUITE, self.vr_i, self.version]);
        prologue.extend_from_slice(&self.address);
        prologue.extend_from_slice(&u16::try_from(context.len()).expect("at most 32").to_be_bytes());
        prologue.extend_from_slice(context);
        prologue
    }

    pub(crate) fn terms(&self) -> Terms {
        Terms {
            is_first_contact: self.purpose.is_first_contact(),
            version: self.version,
            own: self.own,
            printed: self.printed,
        }
    }

    /// The therapist's checks of an HS1 header, before anything is decrypted; gives the client's range.
    pub(crate) fn check_hs1_header(&self) -> Result<VersionRange, HandshakeFault> {
        if self.version < self.floor || !(self.own.min..=self.own.max).contains(&self.version) {
            return Err(HandshakeFault::Version);
        }
        let range = VersionRange::from_byte(self.vr_i).ok_or(HandshakeFault::Downgrade)?;
        check_range(range, self.version)?;
        if self.announced.is_some_and(|announced| announced != range) {
            return Err(HandshakeFault::Downgrade);
        }
        Ok(range)
    }
}

impl core::fmt::Debug for Params {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Params(…)")
    }
}

/// What remains of the parameters during a handshake.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) is_first_contact: bool,
    pub(crate) version: u8,
    pub(crate) own: VersionRange,
    printed: Option<VersionRange>,
}

impl Terms {
    /// Both ranges are authenticated now: whoever changed the version on the way is found (PROTOCOL §4.6).
    pub(crate) fn check(&self, client: VersionRange, therapist: VersionRange) -> Result<(), HandshakeFault> {
        check_range(client, self.version)?;
        check_range(therapist, self.version)?;
        let promised = self.printed.unwrap_or(therapist);
        if self.is_first_contact && self.version != client.max.min(promised.max) {
            return Err(HandshakeFault::Downgrade);
        }
        Ok(())
    }
}

/// `1 ≤ vmin ≤ version ≤ vmax ≤ 15`
pub(crate) fn check_range(range: VersionRange, version: u8) -> Result<(), HandshakeFault> {
    let is_valid = VersionRange::from_byte(range.to_byte()) == Some(range);
    if is_valid && (range.min..=range.max).contains(&version) { Ok(()) } else { Err(HandshakeFault::Downgrade) }
}
