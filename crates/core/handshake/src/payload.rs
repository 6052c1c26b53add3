//! Layout of the handshake cells and of the TLV lists inside (PROTOCOL §4.3, Appendix A).

use sotto_wire::{
    CELL_BODY_LEN, Cell, CellType, VersionRange,
    cell::SUITE,
    tlv::{self, Tag, TlvList},
};
use zeroize::Zeroizing;

use crate::{
    fault::HandshakeFault,
    kem::{CT_LEN, EK_LEN},
};

/// Payload of HS1: `ek`, then TLV.
pub(crate) const HS1_LEN: usize = 4044;
/// Payload of HS2 in XX.
pub(crate) const XX_HS2_LEN: usize = 2908;
/// Payload of HS2 in KK.
pub(crate) const KK_HS2_LEN: usize = 2956;
/// Payload of HS3.
pub(crate) const HS3_LEN: usize = 4028;

const _: () = {
    assert!(32 + HS1_LEN + 16 == CELL_BODY_LEN);
    assert!(CT_LEN + 32 + 48 + XX_HS2_LEN + 16 == CELL_BODY_LEN);
    assert!(CT_LEN + 32 + KK_HS2_LEN + 16 == CELL_BODY_LEN);
    assert!(48 + HS3_LEN + 16 == CELL_BODY_LEN);
};

/// PA2, HS2, HS3, SIG and SYNC carry the chosen version and no range (PROTOCOL, Appendix D).
pub(crate) fn header_fits(cell: &Cell, cell_type: CellType, version: u8) -> bool {
    let is_agreed = cell.version() == version && cell.suite() == SUITE && cell.vr() == 0;
    cell.cell_type() == Some(cell_type) && (is_agreed || cfg!(sotto_broken = "header"))
}

/// A TLV list under construction.
#[derive(Default)]
pub(crate) struct Tlvs(Zeroizing<Vec<u8>>);

impl Tlvs {
    pub(crate) fn with(mut self, tag: Tag, value: &[u8]) -> Self {
        tlv::push(&mut self.0, tag, value);
        self
    }

    pub(crate) fn with_versions(self, range: VersionRange) -> Self {
        self.with(Tag::VersionRange, &[range.min, range.max])
    }

    /// `head`, the list, and zeros up to `len`: the zero after the list is its terminator.
    pub(crate) fn padded(&self, head: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
        debug_assert!(head.len() + self.0.len() < len, "payloads are far larger than their lists");
        let mut payload = Zeroizing::new(Vec::with_capacity(len));
        payload.extend_from_slice(head);
        payload.extend_from_slice(&self.0);
        payload.resize(len, 0);
        payload
    }

    /// The list alone, as in CONFIRM and ACK.
    pub(crate) fn bare(&self) -> Vec<u8> {
        self.0.to_vec()
    }
}

/// Parses a list; every mistake of an authentic peer is `E_HS_DECRYPT` (PROTOCOL, Appendix D).
pub(crate) fn parse(bytes: &[u8]) -> Result<TlvList<'_>, HandshakeFault> {
    TlvList::parse(bytes).map_err(|_| HandshakeFault::Decrypt)
}

pub(crate) fn require<const N: usize>(list: &TlvList<'_>, tag: Tag) -> Result<[u8; N], HandshakeFault> {
    list.require(tag).map_err(|_| HandshakeFault::Decrypt)
}

/// The range in TLV 03; one that breaks `1 ≤ vmin ≤ vmax ≤ 15` is `E_DOWNGRADE`.
pub(crate) fn versions(list: &TlvList<'_>) -> Result<VersionRange, HandshakeFault> {
    let [min, max] = require(list, Tag::VersionRange)?;
    if min > 15 || max > 15 {
        return Err(HandshakeFault::Downgrade);
    }
    VersionRange::from_byte(min << 4 | max).ok_or(HandshakeFault::Downgrade)
}

/// Splits an HS1 payload.
pub(crate) fn split_hs1(payload: &[u8]) -> Option<(&[u8; EK_LEN], &[u8])> {
    payload.split_first_chunk()
}
