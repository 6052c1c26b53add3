//! What a front end asks for.

use std::path::PathBuf;

use crate::{ContactId, FileId, MediaTrack, SecretText};

/// A request to the session engine. It is answered by events; a refusal is an [`crate::Event::Refused`].
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Makes a contact and an invite for it (therapist).
    Invite {
        /// Private label.
        label: String,
        /// Spoken code or link.
        form: InviteForm,
        /// Validity; `None` for the default of the form.
        minutes: Option<u32>,
    },
    /// Makes an invite for a contact that is there already (therapist, PROTOCOL §6.4): the same key gets new secrets and
    /// is compared again; another key becomes a contact beside it, and [`crate::AlertCode::KeyChanged`] says so.
    Relink {
        /// The contact.
        contact: ContactId,
        /// Spoken code or link.
        form: InviteForm,
        /// Validity; `None` for the default of the form.
        minutes: Option<u32>,
    },
    /// Withdraws the invites of a contact that nobody has used (therapist). A contact that is there already stays.
    Withdraw(ContactId),
    /// Uses a code or a link as a person might type it (client).
    JoinInvite(String),
    /// Uses a code or a link that is to be from a therapist whom this client knows already: the key stays, and another
    /// therapist's computer is refused before it learns it (client).
    Rejoin {
        /// The contact.
        contact: ContactId,
        /// Code or link as a person might type it.
        invite: String,
    },
    /// Goes to the waiting room of a pinned contact (client).
    JoinContact(ContactId),
    /// Is there for these contacts; `None` = all (therapist).
    Listen(Option<Vec<ContactId>>),
    /// Lets the waiting client in.
    Admit(ContactId),
    /// Sends the waiting client away.
    Deny(ContactId),
    /// Back to the waiting room.
    PutBack(ContactId),
    /// Answer to the comparison.
    Verify(Pick),
    /// Stops sending sound or picture (packets go on, with silence).
    Mute {
        /// `Audio` or `Camera`.
        track: MediaTrack,
        /// True: muted.
        on: bool,
    },
    /// Sends a chat text.
    Chat(String),
    /// Offers a file of at most 100 MiB; [`crate::Event::File`] tells what becomes of it.
    SendFile(PathBuf),
    /// Takes an offered file into a folder, under its name or, where there is such a file, one beside it.
    AcceptFile {
        /// Which.
        file: FileId,
        /// Where to.
        folder: PathBuf,
    },
    /// Does not take an offered file, or stops one that is on its way, in either direction.
    RefuseFile(FileId),
    /// Asks for a [`crate::Event::Stats`].
    Stats,
    /// Asks for a [`crate::Event::Contacts`].
    Contacts,
    /// When words are compared with a contact that was compared before, from the next session on (PROTOCOL §6.3).
    /// "Only when something changed" holds if both sides chose it.
    CompareWhen {
        /// The contact.
        contact: ContactId,
        /// Only when a key or the computer changed; else at every session.
        on_change: bool,
    },
    /// Asks for a [`crate::Event::Log`] (therapist).
    Log,
    /// Puts a new passphrase on the vault; [`crate::Event::PassphraseChanged`] once it holds. Not in a session.
    ChangePassphrase {
        /// The present one.
        old: SecretText,
        /// The one from now on.
        new: SecretText,
    },
    /// A key in the system's keyring is needed besides the passphrase from now on, or no longer (PROTOCOL §2.2);
    /// [`crate::Event::Keyring`] once it holds. Not in a session.
    UseKeyring {
        /// The passphrase.
        passphrase: SecretText,
        /// With the keyring.
        on: bool,
    },
    /// Writes a file for another computer (PROTOCOL §2.3); [`crate::Event::Exported`] tells the words that open it. Not
    /// in a session.
    Export(PathBuf),
    /// Destroys the profile on this computer and stops the engine. Not in a session.
    Erase,
    /// Forgets a contact: its keys are destroyed.
    Forget(ContactId),
    /// Ends the session.
    End,
    /// Ends the session if there is one, closes the profile and stops the engine.
    Quit,
}

/// How an invite looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteForm {
    /// `471193-artist-paperweight-cobra-hideaway`
    Code,
    /// `tsp1:…`
    Link,
}

/// What the person chose in the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Index of the candidate whose words were heard.
    Candidate(usize),
    /// Index of the candidate whose digits were heard.
    Digits(usize),
    /// None of the four: a mismatch.
    NoneOfThese,
    /// Compared in another way, and it matched.
    Otherwise(CompareMethod),
    /// Compared in another way, and it differed: a mismatch.
    Differs(CompareMethod),
    /// The bytes of a QR code that was read from the other side's screen (PROTOCOL §6.1). The engine compares: the same
    /// keys are a match; other keys are refused once with `scan-differs`, then a mismatch; the own code and what is no such
    /// code are refused with `scan-other`.
    Scanned(Vec<u8>),
}

/// Ways of comparing outside the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareMethod {
    /// The fingerprint of the pair.
    Fingerprint,
    /// On the telephone.
    Phone,
    /// Face to face.
    InPerson,
    /// Face to face, from the therapist's printed card.
    Card,
    /// Face to face by QR code, where another program than the caller's engine has read and compared it.
    Qr,
}
