//! What a finished handshake leaves behind (PROTOCOL §4.4).

use rand_core::CryptoRng;
use sotto_identity::{PublicKey, Secret, derive};
use sotto_wire::{Cell, Role, SigMessage, VersionRange, tlv::Tag};

use crate::{
    continuity::{self, Continuity, TAG_LEN},
    fault::{HandshakeFault, SigFault},
    noise::Noise,
    params::Terms,
    payload::{self, Tlvs},
    resume,
    sas::SessionWords,
    sig_channel::SigChannel,
};

/// Keys of a finished Noise handshake, before the other side's last proof.
pub(crate) struct Outcome {
    h: [u8; 64],
    hs_root: Secret<64>,
    role: Role,
    peer: PublicKey,
    peer_versions: VersionRange,
    client_versions: VersionRange,
    version: u8,
    is_first_contact: bool,
    pub(crate) sig: SigChannel,
}

impl Outcome {
    /// The Noise state ends here: `snow` does not erase it, so it must not live on.
    pub(crate) fn new(noise: Noise, role: Role, terms: &Terms, peer: PublicKey, peer_versions: VersionRange) -> Self {
        let (h, keys) = noise.split();
        let hs_root = derive::extract(&h, keys.expose());
        let sig = SigChannel::new(role, terms.version, |direction| derive::kdf(&hs_root, "sig key", &[direction]));
        let Terms { is_first_contact, version, .. } = *terms;
        let client_versions = if role == Role::Initiator { terms.own } else { peer_versions };
        Self { h, hs_root, role, peer, peer_versions, client_versions, version, is_first_contact, sig }
    }
}

/// A session whose peer proved its key: to the therapist by HS3 or CONFIRM, to the client by HS2 and, once
/// [`read_ack`](Self::read_ack) gave true, by ACK. Only then may anything but the rendezvous server be contacted
/// (PROTOCOL §5.1).
pub struct Established {
    outcome: Outcome,
    words: SessionWords,
    /// Therapist: the client's two tags, from CONFIRM.
    tags: Option<[u8; 2 * TAG_LEN]>,
    /// Therapist: the client's resume tag, from CONFIRM.
    resume_tag: Option<[u8; resume::TAG_LEN]>,
    /// The key of a session with this contact that was interrupted, if this side still has it.
    resume: Option<Secret<32>>,
    is_resumed: bool,
    /// Client: what its own tags were made of.
    held: [Option<Secret<32>>; 2],
    matched: Option<Secret<32>>,
}

impl Established {
    pub(crate) const fn new(outcome: Outcome, words: SessionWords) -> Self {
        Self {
            outcome,
            words,
            tags: None,
            resume_tag: None,
            resume: None,
            is_resumed: false,
            held: [None, None],
            matched: None,
        }
    }

    /// The client's continuity tags and resume tag, as CONFIRM brought them.
    pub(crate) const fn with_tags(mut self, tags: [u8; 2 * TAG_LEN], resume: [u8; resume::TAG_LEN]) -> Self {
        self.tags = Some(tags);
        self.resume_tag = Some(resume);
        self
    }

    /// The key of a session with this contact that was interrupted: before CONFIRM or ACK is made.
    pub fn set_resume(&mut self, key: Option<&Secret<32>>) {
        self.resume = key.cloned();
    }

    /// Both sides were in the same interrupted session and still have its key; known after ACK (PROTOCOL §8).
    #[must_use]
    pub const fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// The key by which the next session would be known to go on from this one. In memory only. After ACK.
    #[must_use]
    pub fn resume_key(&self) -> Secret<32> {
        derive::kdf(&self.epoch_root_0(), "resume", b"")
    }

    /// This side's role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.outcome.role
    }

    /// The other side's public key.
    #[must_use]
    pub const fn peer(&self) -> PublicKey {
        self.outcome.peer
    }

    /// The other side's authenticated version range; stored, and used from the next session on (PROTOCOL §4.6).
    #[must_use]
    pub const fn peer_versions(&self) -> VersionRange {
        self.outcome.peer_versions
    }

    /// The client's range, which prologues repeat.
    pub(crate) const fn client_versions(&self) -> VersionRange {
        self.outcome.client_versions
    }

    /// The version of this session; the contact's floor never falls below it.
    #[must_use]
    pub const fn version(&self) -> u8 {
        self.outcome.version
    }

    /// The handshake hash `h`.
    #[must_use]
    pub const fn session_hash(&self) -> [u8; 64] {
        self.outcome.h
    }

    #[cfg(test)]
    pub(crate) const fn hs_root(&self) -> &Secret<64> {
        &self.outcome.hs_root
    }

    /// `session_id`, for the local record only; never sent.
    #[must_use]
    pub fn session_id(&self) -> [u8; 16] {
        *derive::hash("session id", &[&self.outcome.h]).first_chunk().expect("16 of 64 bytes")
    }

    /// `epoch_root_0`, from the handshake and the matched continuity secret, 32 zero bytes without one. After ACK.
    #[must_use]
    pub fn epoch_root_0(&self) -> Secret<64> {
        let mut context = zeroize::Zeroizing::new([0; 96]);
        if let Some(matched) = &self.matched {
            context[..32].copy_from_slice(matched.expose());
        }
        context[32..].copy_from_slice(&self.outcome.h);
        derive::kdf(&self.outcome.hs_root, "session", &*context)
    }

    /// The continuity secret of earlier sessions that both sides turned out to hold; known after ACK (PROTOCOL §4.7).
    #[must_use]
    pub const fn matched(&self) -> Option<&Secret<32>> {
        self.matched.as_ref()
    }

    /// The continuity secret that this session leaves behind.
    #[must_use]
    pub fn next_continuity(&self) -> Secret<32> {
        derive::kdf(&self.epoch_root_0(), "continuity", b"")
    }

    /// `(K_psk, K_rdv)` of the new contact.
    ///
    /// # Panics
    /// If this was not a first contact: both are fixed for the life of a contact.
    #[must_use]
    pub fn contact_secrets(&self) -> (Secret<32>, Secret<32>) {
        assert!(self.outcome.is_first_contact, "K_psk and K_rdv are made at first contact only");
        let root = &self.outcome.hs_root;
        (derive::kdf(root, "contact psk", b""), derive::kdf(root, "contact rdv", b""))
    }

    /// The session words, this side's view.
    #[must_use]
    pub fn session_words(&self) -> SessionWords {
        self.words.clone()
    }

    /// What TRANSPORT_BIND is made of.
    #[must_use]
    pub const fn binding(&self) -> Binding {
        Binding { h: self.outcome.h }
    }

    /// Start of each transcript of the data channels (PROTOCOL §8).
    #[must_use]
    pub fn tx0(&self) -> [u8; 64] {
        derive::hash("tx0", &[&self.outcome.h])
    }

    /// The signalling channel.
    pub const fn sig_mut(&mut self) -> &mut SigChannel {
        &mut self.outcome.sig
    }

    /// The signalling channel alone. Everything else is erased.
    #[must_use]
    pub fn into_sig(self) -> SigChannel {
        self.outcome.sig
    }

    /// Cells of CONFIRM, the first SIG message of a pinned client.
    pub(crate) fn confirm(
        &mut self,
        nonce_i: &Secret<32>,
        versions: VersionRange,
        held: Continuity<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Vec<Cell> {
        let tags = continuity::tags(&self.outcome.hs_root, held, rng);
        self.held = held.map(|secret| secret.cloned());
        let resume = resume::own(&self.outcome.hs_root, Role::Initiator, self.resume.as_ref(), rng);
        let list = Tlvs::default()
            .with(Tag::NonceI, nonce_i.expose())
            .with_versions(versions)
            .with(Tag::ContTags, &tags)
            .with(Tag::ResumeTag, resume.expose());
        self.outcome.sig.seal(&SigMessage::Confirm(list.bare()))
    }

    /// Cells of ACK, the therapist's first SIG message: which of the client's continuity tags is of a secret in `held`,
    /// and the proof of it; at first contact none (PROTOCOL §4.7). The resume tag is random unless the client's is of the
    /// key that this side has (§8). At first contact it is sent after the contact is durable (PROTOCOL §4.5). Once per session.
    ///
    /// # Panics
    /// On the client's side.
    pub fn ack(&mut self, held: Continuity<'_>, rng: &mut dyn CryptoRng) -> Vec<Cell> {
        assert_eq!(self.outcome.role, Role::Responder, "ACK is the therapist's message");
        let hs_root = &self.outcome.hs_root;
        let (number, secret) = self.tags.map_or((0, None), |tags| continuity::find(hs_root, &tags, held));
        let answer = continuity::answer(hs_root, number, secret, rng);
        self.matched = secret.cloned();
        let key = self.resume.take();
        self.is_resumed =
            self.resume_tag.is_some_and(|theirs| resume::is_of(hs_root, Role::Initiator, key.as_ref(), &theirs));
        let proof = resume::own(hs_root, Role::Responder, key.as_ref().filter(|_| self.is_resumed), rng);
        let list = Tlvs::default().with(Tag::ContMatch, &answer).with(Tag::ResumeTag, proof.expose());
        self.outcome.sig.seal(&SigMessage::Ack(list.bare()))
    }

    /// The client takes a cell while it waits for ACK. `Ok(true)`: that was the ACK. `Ok(false)`: the cell was dropped or
    /// is a SYNC; the wait goes on. Answers of the channel leave by [`sig_mut`](Self::sig_mut)`.poll`.
    ///
    /// # Errors
    /// Fatal: `Sig` if another message came first or the channel broke, `Decrypt` for a malformed ACK, `ContinuityProof`
    /// if it claims a match and does not prove it.
    pub fn read_ack(&mut self, cell: &Cell, now_ms: u64) -> Result<bool, HandshakeFault> {
        let message = match self.outcome.sig.receive(cell, now_ms) {
            Ok(received) => received.message,
            Err(fault) if fault.is_fatal() => return Err(HandshakeFault::Sig(fault)),
            Err(_) => return Ok(false),
        };
        let list = match message {
            None => return Ok(false),
            Some(SigMessage::Ack(list)) => list,
            Some(_) => return Err(HandshakeFault::Sig(SigFault::Order)),
        };
        let list = payload::parse(&list)?;
        let [number, proof @ ..] = payload::require::<17>(&list, Tag::ContMatch)?;
        let theirs = payload::require::<16>(&list, Tag::ResumeTag)?;
        let key = self.resume.take();
        self.is_resumed = resume::is_of(&self.outcome.hs_root, Role::Responder, key.as_ref(), &theirs);
        let held = core::mem::take(&mut self.held);
        match number {
            0 => {}
            1 | 2 => {
                let held = held.each_ref().map(Option::as_ref);
                let secret = continuity::check(&self.outcome.hs_root, number, &proof, held);
                self.matched = Some(secret.ok_or(HandshakeFault::ContinuityProof)?.clone());
            }
            _ => return Err(HandshakeFault::Decrypt),
        }
        Ok(true)
    }
}

impl core::fmt::Debug for Established {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Established(…)")
    }
}

/// Binds the DTLS certificates to the handshake (PROTOCOL §5.4).
#[derive(Clone)]
pub struct Binding {
    h: [u8; 64],
}

impl Binding {
    /// `H("bind"; h, fp_I, fp_R)[0..32]`, what TRANSPORT_BIND carries after the role byte. The fingerprints are the
    /// SHA-256 of the client's and of the therapist's certificate. Compare it in constant time.
    #[must_use]
    pub fn value(&self, initiator: &[u8; 32], responder: &[u8; 32]) -> [u8; 32] {
        *derive::hash("bind", &[&self.h, initiator, responder]).first_chunk().expect("32 of 64 bytes")
    }
}

impl core::fmt::Debug for Binding {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Binding(…)")
    }
}
