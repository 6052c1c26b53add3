//! One line of standard input → one [`Command`].

use serde_json::Value;
use sotto_session_api::{Command, CompareMethod, ContactId, FileId, InviteForm, MediaTrack, Pick, SecretText};

use crate::object::Object;

/// An invite is valid for 30 days at most (PROTOCOL §3.1); the form's own limit is the engine's to check.
const MAX_MINUTES: u64 = 30 * 24 * 60;

/// Why a line is no command. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// The line is longer than [`crate::LINE_LIMIT`].
    TooLong,
    /// The line is not UTF-8.
    NotText,
    /// Not one JSON object; where it went wrong.
    NotJson {
        /// Column, from 1.
        column: usize,
    },
    /// There is no such command.
    UnknownCommand(String),
    /// The command has no such field.
    UnknownField(String),
    /// A field is missing.
    Missing(&'static str),
    /// A field holds something else than it should.
    Field {
        /// Its name.
        name: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// Exactly one of several fields is needed.
    OneOf(&'static str),
    /// Known, but not built yet.
    NotYet(&'static str),
}

impl ParseError {
    /// Stable code for the `error` event.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotJson { .. } | Self::TooLong | Self::NotText => "E_JSON",
            Self::UnknownCommand(_) => "E_COMMAND",
            Self::NotYet(_) => "E_NOT_YET",
            _ => "E_FIELD",
        }
    }
}

impl core::fmt::Display for ParseError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooLong => write!(f, "This line is longer than {} bytes.", crate::LINE_LIMIT),
            Self::NotText => f.write_str("This line is not text in UTF-8."),
            Self::NotJson { column } => write!(f, "This line is not one JSON object (column {column})."),
            Self::UnknownCommand(name) => write!(f, "There is no command {}.", quoted(name)),
            Self::UnknownField(name) => write!(f, "This command has no field {}.", quoted(name)),
            Self::Missing(name) => write!(f, "The field \"{name}\" is missing."),
            Self::Field { name, expected } => write!(f, "The field \"{name}\" must hold {expected}."),
            Self::OneOf(fields) => write!(f, "Exactly one of {fields} is needed."),
            Self::NotYet(name) => write!(f, "\"{name}\" does not exist in this version yet."),
        }
    }
}

impl std::error::Error for ParseError {}

/// What somebody else wrote, made short and printable.
fn quoted(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    format!("{short:?}")
}

/// Reads one command, strictly: an unknown command, an unknown or repeated field or a wrong value is an error.
///
/// # Errors
/// See [`ParseError`].
pub fn parse_command(line: &str) -> Result<Command, ParseError> {
    let mut object: Object =
        serde_json::from_str(line).map_err(|error| ParseError::NotJson { column: error.column() })?;
    let name = object.text("cmd")?;
    let command = match name.as_str() {
        "invite" => {
            Command::Invite { label: object.text("label")?, form: form(&mut object)?, minutes: minutes(&mut object)? }
        }
        "relink" => {
            Command::Relink { contact: contact(&mut object)?, form: form(&mut object)?, minutes: minutes(&mut object)? }
        }
        "withdraw" => Command::Withdraw(contact(&mut object)?),
        "join" => join(&mut object)?,
        "listen" => Command::Listen(contacts(&mut object)?),
        "admit" => Command::Admit(contact(&mut object)?),
        "deny" => Command::Deny(contact(&mut object)?),
        "put_back" => Command::PutBack(contact(&mut object)?),
        "verify" => Command::Verify(pick(&mut object)?),
        "mute" => Command::Mute {
            track: match object.text("track")?.as_str() {
                "audio" => MediaTrack::Audio,
                "camera" => MediaTrack::Camera,
                _ => return Err(ParseError::Field { name: "track", expected: "\"audio\" or \"camera\"" }),
            },
            on: object.switch("on")?,
        },
        "chat" => Command::Chat(object.text("text")?),
        "stats" => Command::Stats,
        "contacts" => Command::Contacts,
        "log" => Command::Log,
        "change_passphrase" => Command::ChangePassphrase {
            old: SecretText::new(object.text("old")?),
            new: SecretText::new(object.text("new")?),
        },
        "use_keyring" => {
            Command::UseKeyring { passphrase: SecretText::new(object.text("passphrase")?), on: object.switch("on")? }
        }
        "export" => Command::Export(object.text("file")?.into()),
        "erase" => Command::Erase,
        "compare_when" => {
            Command::CompareWhen { contact: contact(&mut object)?, on_change: object.switch("on_change")? }
        }
        "forget" => Command::Forget(contact(&mut object)?),
        "end" => Command::End,
        "quit" => Command::Quit,
        "share" => return Err(ParseError::NotYet("share")),
        "send_file" => Command::SendFile(object.text("path")?.into()),
        "accept_file" => Command::AcceptFile { file: file(&mut object)?, folder: object.text("dir")?.into() },
        "refuse_file" => Command::RefuseFile(file(&mut object)?),
        _ => return Err(ParseError::UnknownCommand(name)),
    };
    object.end()?;
    Ok(command)
}

fn file(object: &mut Object) -> Result<FileId, ParseError> {
    let wrong = ParseError::Field { name: "id", expected: "the `id` of a `file` event" };
    let text = object.text("id")?;
    let digits = text.as_bytes();
    let mut id = [0; 16];
    if digits.len() != 32 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(wrong);
    }
    for (byte, pair) in id.iter_mut().zip(digits.chunks(2)) {
        let pair = core::str::from_utf8(pair).map_err(|_| wrong.clone())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong.clone())?;
    }
    Ok(FileId(id))
}

fn form(object: &mut Object) -> Result<InviteForm, ParseError> {
    match object.text("form")?.as_str() {
        "code" => Ok(InviteForm::Code),
        "link" => Ok(InviteForm::Link),
        _ => Err(ParseError::Field { name: "form", expected: "\"code\" or \"link\"" }),
    }
}

fn minutes(object: &mut Object) -> Result<Option<u32>, ParseError> {
    let wrong = ParseError::Field { name: "minutes", expected: "a whole number from 1 to 43200" };
    match object.optional("minutes") {
        None => Ok(None),
        Some(value) => {
            let minutes = value.as_u64().filter(|minutes| (1..=MAX_MINUTES).contains(minutes)).ok_or(wrong.clone())?;
            u32::try_from(minutes).map(Some).map_err(|_| wrong)
        }
    }
}

fn join(object: &mut Object) -> Result<Command, ParseError> {
    match (object.optional("invite"), object.optional("contact")) {
        (Some(Value::String(invite)), None) => Ok(Command::JoinInvite(invite)),
        (Some(Value::String(invite)), Some(value)) => {
            contact_id(&value).map(|contact| Command::Rejoin { contact, invite })
        }
        (Some(_), _) => Err(ParseError::Field { name: "invite", expected: "a text" }),
        (None, Some(value)) => contact_id(&value).map(Command::JoinContact),
        (None, None) => Err(ParseError::OneOf("\"invite\" and \"contact\"")),
    }
}

fn contacts(object: &mut Object) -> Result<Option<Vec<ContactId>>, ParseError> {
    match object.optional("contacts") {
        Some(Value::String(all)) if all == "all" => Ok(None),
        Some(Value::Array(list)) => list.iter().map(contact_id).collect::<Result<_, _>>().map(Some),
        Some(_) => Err(ParseError::Field { name: "contacts", expected: "\"all\" or a list of contacts" }),
        None => Err(ParseError::Missing("contacts")),
    }
}

fn contact(object: &mut Object) -> Result<ContactId, ParseError> {
    object.optional("contact").ok_or(ParseError::Missing("contact")).and_then(|value| contact_id(&value))
}

/// Sixteen hexadecimal digits: JSON numbers lose precision above 2^53 in many readers.
fn contact_id(value: &Value) -> Result<ContactId, ParseError> {
    let wrong = ParseError::Field { name: "contact", expected: "the 16 hexadecimal digits of a contact" };
    let text = value.as_str().filter(|text| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    text.and_then(|text| u64::from_str_radix(text, 16).ok()).map(ContactId).ok_or(wrong)
}

fn pick(object: &mut Object) -> Result<Pick, ParseError> {
    let given = ["pick", "digits", "none", "method", "scanned"].map(|name| (name, object.optional(name)));
    let mut given = given.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
    let (Some((name, value)), None) = (given.next(), given.next()) else { return Err(ONE_PICK) };
    let index = || match value.as_u64() {
        Some(index @ 0..=3) => Ok(usize::try_from(index).expect("at most 3")),
        _ => Err(ParseError::Field { name, expected: "an index from 0 to 3" }),
    };
    match name {
        "pick" => index().map(Pick::Candidate),
        "digits" => index().map(Pick::Digits),
        "none" if value == Value::Bool(true) => Ok(Pick::NoneOfThese),
        "none" => Err(ParseError::Field { name, expected: "true" }),
        "scanned" => value
            .as_str()
            .and_then(bytes)
            .map(Pick::Scanned)
            .ok_or(ParseError::Field { name, expected: "the bytes of a QR code in hexadecimal, at most 4096 of them" }),
        _ => {
            let method = match value.as_str() {
                Some("fingerprint") => CompareMethod::Fingerprint,
                Some("phone") => CompareMethod::Phone,
                Some("in-person") => CompareMethod::InPerson,
                Some("card") => CompareMethod::Card,
                Some("qr") => CompareMethod::Qr,
                _ => {
                    return Err(ParseError::Field {
                        name,
                        expected: "\"fingerprint\", \"phone\", \"in-person\", \"card\" or \"qr\"",
                    });
                }
            };
            match object.optional("same") {
                None | Some(Value::Bool(true)) => Ok(Pick::Otherwise(method)),
                Some(Value::Bool(false)) => Ok(Pick::Differs(method)),
                Some(_) => Err(ParseError::Field { name: "same", expected: "true or false" }),
            }
        }
    }
}

/// Bytes in hexadecimal.
fn bytes(text: &str) -> Option<Vec<u8>> {
    if text.len() > 8192 || !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

const ONE_PICK: ParseError = ParseError::OneOf("\"pick\", \"digits\", \"none\", \"method\" and \"scanned\"");
