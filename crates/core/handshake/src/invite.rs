//! Long invites: link, QR code, file (PROTOCOL §3.1).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rand_core::CryptoRng;
use sotto_identity::{PublicKey, Secret, derive};
use sotto_wire::VersionRange;
use zeroize::Zeroizing;

use crate::{
    draw,
    url::{RendezvousUrl, UrlError},
};

/// Default life of an invite: 7 days.
pub const INVITE_LIFETIME_S: u64 = 7 * 86_400;
/// Life of an invite shown as a QR code: 10 minutes.
pub const INVITE_QR_LIFETIME_S: u64 = 600;
/// Longest life of an invite: 30 days.
pub const INVITE_MAX_LIFETIME_S: u64 = 30 * 86_400;

/// Longest text that is looked at: a file may have 1024 bytes.
pub(crate) const MAX_TEXT_LEN: usize = 1024;
pub(crate) const PREFIX: &str = "tsp1:";

const FORMAT: u8 = 1;
const CHECK_LEN: usize = 4;
const HEAD_LEN: usize = 1 + 1 + 4 + 20 + 32 + 1;

/// A long invite. Whoever has its text can pair in the client's place until the words are compared.
pub struct Invite {
    versions: VersionRange,
    expiry_minutes: u32,
    idhash: [u8; 20],
    secret: Secret<32>,
    url: RendezvousUrl,
}

/// Why text is not an invite that this program can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// Not `tsp1:` and base64url, or cut off.
    #[error("this is not a whole invite")]
    Format,
    /// The check bytes are wrong: a character was changed.
    #[error("the invite was altered on its way")]
    Check,
    /// Made by a newer program: another format, or only versions that this one does not speak.
    #[error("the invite needs a newer version of this program")]
    Version,
    /// The server's address in it is not valid.
    #[error("the server in the invite is not valid: {0}")]
    Url(UrlError),
}

/// What both sides derive from an invite. The therapist stores this instead of the secret.
#[derive(Clone)]
pub struct InviteKeys {
    /// Noise PSK of the first contact.
    pub psk0: Secret<32>,
    /// Key of the meeting places, see [`rendezvous_address`](crate::address::rendezvous_address).
    pub rendezvous_key: Secret<32>,
    /// Prologue context: `H("invite ctx"; invite)[0..32]`.
    pub context: [u8; 32],
}

impl core::fmt::Debug for InviteKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("InviteKeys(…)")
    }
}

impl Invite {
    /// Makes an invite to `therapist` at `url`, good until `expiry_unix` seconds (rounded down to a minute). The caller
    /// keeps the life within [`INVITE_MAX_LIFETIME_S`].
    #[must_use]
    pub fn generate(therapist: &PublicKey, url: RendezvousUrl, expiry_unix: u64, rng: &mut dyn CryptoRng) -> Self {
        Self {
            versions: VersionRange::OURS,
            expiry_minutes: u32::try_from(expiry_unix / 60).unwrap_or(u32::MAX),
            idhash: therapist.idhash(),
            secret: draw(rng),
            url,
        }
    }

    /// Parses the text of a link, a QR code or a file. White space around and inside is forgiven: mail programs break
    /// lines.
    ///
    /// # Errors
    /// [`InviteError`]. Expiry is not checked here: see [`is_expired`](Self::is_expired).
    pub fn parse_text(text: &str) -> Result<Self, InviteError> {
        if text.len() > MAX_TEXT_LEN {
            return Err(InviteError::Format);
        }
        let text: Zeroizing<String> = Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).collect());
        let (prefix, encoded) = text.split_at_checked(PREFIX.len()).ok_or(InviteError::Format)?;
        if !prefix.eq_ignore_ascii_case(PREFIX) {
            return Err(InviteError::Format);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| InviteError::Format)?;
        Self::from_bytes(&Zeroizing::new(bytes))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, InviteError> {
        let (body, check) = bytes.split_last_chunk::<CHECK_LEN>().ok_or(InviteError::Format)?;
        if invite_check(body) != *check {
            return Err(InviteError::Check);
        }
        // From here on the bytes are as somebody made them.
        let (&format, rest) = body.split_first().ok_or(InviteError::Format)?;
        if format != FORMAT {
            return Err(InviteError::Version);
        }
        let (&vrange, rest) = rest.split_first().ok_or(InviteError::Format)?;
        let versions = VersionRange::from_byte(vrange).ok_or(InviteError::Format)?;
        if versions.max < VersionRange::OURS.min || versions.min > VersionRange::OURS.max {
            return Err(InviteError::Version);
        }
        let (expiry, rest) = rest.split_first_chunk().ok_or(InviteError::Format)?;
        let (idhash, rest) = rest.split_first_chunk().ok_or(InviteError::Format)?;
        let (secret, rest) = rest.split_first_chunk().ok_or(InviteError::Format)?;
        let (&len, url) = rest.split_first().ok_or(InviteError::Format)?;
        if usize::from(len) != url.len() {
            return Err(InviteError::Format);
        }
        let url = core::str::from_utf8(url).map_err(|_| InviteError::Url(UrlError::Text))?;
        Ok(Self {
            versions,
            expiry_minutes: u32::from_be_bytes(*expiry),
            idhash: *idhash,
            secret: Secret::new(*secret),
            url: RendezvousUrl::parse(url).map_err(InviteError::Url)?,
        })
    }

    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let url = self.url.as_str().as_bytes();
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEAD_LEN + url.len() + CHECK_LEN));
        bytes.extend_from_slice(&[FORMAT, self.versions.to_byte()]);
        bytes.extend_from_slice(&self.expiry_minutes.to_be_bytes());
        bytes.extend_from_slice(&self.idhash);
        bytes.extend_from_slice(self.secret.expose());
        bytes.push(u8::try_from(url.len()).expect("a rendezvous URL has at most 255 bytes"));
        bytes.extend_from_slice(url);
        let check = invite_check(&bytes);
        bytes.extend_from_slice(&check);
        bytes
    }

    /// The text of the link and the QR code: `tsp1:` and base64url. A secret.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = PREFIX.to_owned();
        BASE64_URL_SAFE_NO_PAD.encode_string(&*self.to_bytes(), &mut text);
        text
    }

    /// The content of a `*.tspinvite` file: the text and a newline. A secret.
    #[must_use]
    pub fn to_file(&self) -> String {
        let mut text = self.to_text();
        text.push('\n');
        text
    }

    /// What both sides derive from it.
    #[must_use]
    pub fn keys(&self) -> InviteKeys {
        let prk = derive::extract(b"TSP1 invite", self.secret.expose());
        let context = derive::hash("invite ctx", &[&self.to_bytes()]);
        InviteKeys {
            psk0: derive::kdf(&prk, "psk", b""),
            rendezvous_key: derive::kdf(&prk, "rdv", b""),
            context: *context.first_chunk().expect("32 of 64 bytes"),
        }
    }

    /// Hash of the therapist's key, which the client checks before it reveals its own.
    #[must_use]
    pub const fn idhash(&self) -> [u8; 20] {
        self.idhash
    }

    /// The therapist's version range when the invite was made.
    #[must_use]
    pub const fn versions(&self) -> VersionRange {
        self.versions
    }

    /// Unix seconds at which it expires.
    #[must_use]
    pub const fn expiry_unix(&self) -> u64 {
        self.expiry_minutes as u64 * 60
    }

    /// Whether it is expired at `now_unix` seconds. The therapist's clock decides; the client uses the server's where it
    /// knows it (PROTOCOL §3.3).
    #[must_use]
    pub const fn is_expired(&self, now_unix: u64) -> bool {
        now_unix >= self.expiry_unix()
    }

    /// The rendezvous server.
    #[must_use]
    pub const fn url(&self) -> &RendezvousUrl {
        &self.url
    }
}

impl core::fmt::Debug for Invite {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Invite(…)")
    }
}

/// Finds typing and copying errors; it authenticates nothing.
fn invite_check(body: &[u8]) -> [u8; CHECK_LEN] {
    *derive::hash("invite check", &[body]).first_chunk().expect("4 of 64 bytes")
}
