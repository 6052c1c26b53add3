//! Why a handshake or a signalling channel failed, with the stable codes of PROTOCOL §10.

/// A handshake that failed. The state that read the cell is gone; a new attempt takes fresh keys (PROTOCOL §4.5).
///
/// Nothing of this goes to the other side: the wire carries one REJECT or silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum HandshakeFault {
    /// The cell is of another type, suite or version than the state awaits. See `header_fits`: the caller drops such a
    /// cell and keeps the state instead.
    #[error("a cell that does not belong here")]
    Header,
    /// Wrong keys, an altered cell, or an authentic one with a malformed payload.
    #[error("a handshake message did not decrypt")]
    Decrypt,
    /// A public key is not canonical, or a Diffie-Hellman output is zero.
    #[error("an invalid public key")]
    PublicKey,
    /// The ML-KEM encapsulation key fails the modulus check (FIPS 203 §7.2).
    #[error("an invalid ML-KEM key")]
    KemKey,
    /// The therapist's key is not the one that the invite names, or not the pinned one.
    #[error("another key than the invite names")]
    IdHash,
    /// The client's key or nonce is not the one it committed to.
    #[error("the commitment does not open")]
    Commit,
    /// The authenticated version ranges contradict the chosen version.
    #[error("a version downgrade")]
    Downgrade,
    /// The version is outside of what this side speaks, or below the contact's floor.
    #[error("an unsupported version")]
    Version,
    /// A PAKE share is not a canonical group element, or is the identity.
    #[error("an invalid PAKE share")]
    PakePoint,
    /// ACK claims a common continuity secret and cannot prove it (PROTOCOL §4.7).
    #[error("a continuity proof is wrong")]
    ContinuityProof,
    /// The signalling channel broke before ACK.
    #[error(transparent)]
    Sig(SigFault),
}

impl HandshakeFault {
    /// Stable code (PROTOCOL §10).
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Header | Self::Decrypt => "E_HS_DECRYPT",
            Self::PublicKey => "E_PK",
            Self::KemKey => "E_KEM_KEY",
            Self::IdHash => "E_IDHASH",
            Self::Commit => "E_COMMIT",
            Self::Downgrade => "E_DOWNGRADE",
            Self::Version => "E_VERSION",
            Self::PakePoint => "E_PAKE_POINT",
            Self::ContinuityProof => "W_CONTINUITY_LOST",
            Self::Sig(fault) => fault.code(),
        }
    }

    /// No retry: somebody in between is active, and a person must be told.
    #[must_use]
    pub const fn is_alarming(self) -> bool {
        matches!(self, Self::IdHash | Self::Commit | Self::Downgrade | Self::ContinuityProof)
    }

    /// Whether a failed HS1 of a spoken code counts as a wrong guess (PROTOCOL, Appendix D, "Runs and retries").
    #[must_use]
    pub const fn counts_as_failed_decryption(self) -> bool {
        matches!(self, Self::Decrypt | Self::PublicKey | Self::KemKey | Self::Downgrade)
    }
}

/// A SIG or SYNC cell that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SigFault {
    /// Not a SIG or SYNC cell of this version and suite, or a SYNC that asks for what is not kept. Dropped, nothing
    /// changed.
    #[error("a cell that does not belong here")]
    Header,
    /// The tag is wrong: forged, altered, reflected, or of another session. Dropped, nothing changed.
    #[error("a SIG record did not decrypt")]
    Tag,
    /// The authentic other side broke the order rules, or a gap stayed for 60 s. Fatal for the channel.
    #[error("SIG records out of order")]
    Order,
    /// The authentic other side sent a message with missing or invalid fields. Fatal for the channel.
    #[error("an invalid SIG message")]
    Message,
}

impl SigFault {
    /// Stable code (PROTOCOL §10). Dropped cells have the code of a failed decryption.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Header | Self::Tag => "E_HS_DECRYPT",
            Self::Order => "E_SIG_ORDER",
            Self::Message => "E_SDP",
        }
    }

    /// The channel is over. Otherwise the cell was dropped and nothing changed.
    #[must_use]
    pub const fn is_fatal(self) -> bool {
        matches!(self, Self::Order | Self::Message)
    }
}
