//! Bytes of rendezvous frames (PROTOCOL §9.1): `u8 op`, then the fields. Nothing may follow.

use crate::{
    Cell, DecodeError,
    bytes_io::{Reader, put_short, utf8},
    cell::CELL_LEN,
    server::{ClientFrame, ErrorCode, MAX_FRAME_LEN, MailboxId, Nameplate, PeerEvent, ServerFrame, TurnCredentials},
};

/// Digits of a nameplate.
const NAMEPLATE_LEN: usize = 6;

impl Nameplate {
    /// Exactly six ASCII digits.
    ///
    /// # Errors
    /// `Range` for anything else.
    pub fn parse(text: &str) -> Result<Self, DecodeError> {
        if text.len() == NAMEPLATE_LEN && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self::from_checked(text.to_owned()))
        } else {
            Err(DecodeError::Range("nameplate"))
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let text = core::str::from_utf8(reader.short_bytes()?).map_err(|_| DecodeError::Range("nameplate"))?;
        Self::parse(text)
    }
}

impl PeerEvent {
    const fn from_u8(byte: u8) -> Result<Self, DecodeError> {
        Ok(match byte {
            0 => Self::Left,
            1 => Self::Joined,
            2 => Self::Crowded,
            _ => return Err(DecodeError::Range("peer event")),
        })
    }
}

impl ErrorCode {
    const fn from_u16(code: u16) -> Result<Self, DecodeError> {
        Ok(match code {
            1 => Self::BadFrame,
            2 => Self::Limit,
            3 => Self::Busy,
            4 => Self::UnknownNameplate,
            5 => Self::Crowded,
            6 => Self::Pow,
            7 => Self::Token,
            8 => Self::NoTurn,
            9 => Self::QueueFull,
            _ => return Err(DecodeError::Range("error code")),
        })
    }
}

impl ClientFrame {
    /// The bytes of the frame.
    ///
    /// # Panics
    /// If a token is longer than 255 bytes: settings are checked where they are read.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Hello { version, pow, token } => {
                let mut out = vec![0x01, *version];
                out.extend_from_slice(&pow.to_be_bytes());
                put_short(&mut out, token);
                out
            }
            Self::Alloc => vec![0x02],
            Self::Claim(nameplate) => {
                let mut out = vec![0x03];
                put_short(&mut out, nameplate.as_str().as_bytes());
                out
            }
            Self::Open { mailbox, side, owner } => {
                let mut out = vec![0x04];
                out.extend_from_slice(&mailbox.0);
                out.push(*side);
                out.extend_from_slice(owner);
                out
            }
            Self::Add { channel, cell } => with_cell(0x05, *channel, cell),
            Self::Close(channel) => with_u16(0x06, *channel),
            Self::Turn(channel) => with_u16(0x07, *channel),
            Self::Ping(number) => with_u32(0x08, *number),
            Self::Kick(channel) => with_u16(0x09, *channel),
            Self::Done(channel) => with_u16(0x0A, *channel),
        }
    }

    /// Parses a frame.
    ///
    /// # Errors
    /// `UnknownType` for an unknown op; anything that [`encode`](Self::encode) does not give is an error too.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = open(bytes)?;
        let frame = match reader.u8()? {
            0x01 => Self::Hello { version: reader.u8()?, pow: reader.u64()?, token: reader.short_bytes()?.to_vec() },
            0x02 => Self::Alloc,
            0x03 => Self::Claim(Nameplate::read(&mut reader)?),
            0x04 => Self::Open {
                mailbox: MailboxId(reader.array()?),
                side: u8::from(reader.flag("side")?),
                owner: reader.array()?,
            },
            0x05 => {
                let (channel, cell) = read_cell(&mut reader)?;
                Self::Add { channel, cell }
            }
            0x06 => Self::Close(reader.u16()?),
            0x07 => Self::Turn(reader.u16()?),
            0x08 => Self::Ping(reader.u32()?),
            0x09 => Self::Kick(reader.u16()?),
            0x0A => Self::Done(reader.u16()?),
            op => return Err(DecodeError::UnknownType(op)),
        };
        reader.finish()?;
        Ok(frame)
    }
}

impl ServerFrame {
    /// The bytes of the frame.
    ///
    /// # Panics
    /// If relay credentials do not pass [`TurnCredentials::check`]: settings are checked where they are read.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Welcome { version_min, version_max, pow_bits, nonce, flags, unix_time } => {
                let mut out = vec![0x81, *version_min, *version_max, *pow_bits];
                out.extend_from_slice(nonce);
                out.push(*flags);
                out.extend_from_slice(&unix_time.to_be_bytes());
                out
            }
            Self::Allocated { nameplate, mailbox, ttl_s } => {
                let mut out = vec![0x82];
                put_short(&mut out, nameplate.as_str().as_bytes());
                out.extend_from_slice(&mailbox.0);
                out.extend_from_slice(&ttl_s.to_be_bytes());
                out
            }
            Self::Claimed(mailbox) => {
                let mut out = vec![0x83];
                out.extend_from_slice(&mailbox.0);
                out
            }
            Self::Opened { channel, peer_present } => {
                let mut out = with_u16(0x84, *channel);
                out.push(u8::from(*peer_present));
                out
            }
            Self::Added(channel) => with_u16(0x85, *channel),
            Self::Closed(channel) => with_u16(0x86, *channel),
            Self::TurnCredentials(credentials) => credentials.encode(),
            Self::Pong(number) => with_u32(0x88, *number),
            Self::Message { channel, cell } => with_cell(0x90, *channel, cell),
            Self::Peer { channel, event } => {
                let mut out = with_u16(0x91, *channel);
                out.push(*event as u8);
                out
            }
            Self::Error { channel, code } => {
                let mut out = with_u16(0xFF, *channel);
                out.extend_from_slice(&(*code as u16).to_be_bytes());
                out
            }
        }
    }

    /// Parses a frame.
    ///
    /// # Errors
    /// `UnknownType` for an unknown op; anything that [`encode`](Self::encode) does not give is an error too.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = open(bytes)?;
        let frame = match reader.u8()? {
            0x81 => {
                let (version_min, version_max) = (reader.u8()?, reader.u8()?);
                if version_min == 0 || version_min > version_max {
                    return Err(DecodeError::Range("server versions"));
                }
                Self::Welcome {
                    version_min,
                    version_max,
                    pow_bits: reader.u8()?,
                    nonce: reader.array()?,
                    flags: reader.u8()?,
                    unix_time: reader.u64()?,
                }
            }
            0x82 => Self::Allocated {
                nameplate: Nameplate::read(&mut reader)?,
                mailbox: MailboxId(reader.array()?),
                ttl_s: reader.u16()?,
            },
            0x83 => Self::Claimed(MailboxId(reader.array()?)),
            0x84 => Self::Opened { channel: reader.u16()?, peer_present: reader.flag("presence")? },
            0x85 => Self::Added(reader.u16()?),
            0x86 => Self::Closed(reader.u16()?),
            0x87 => Self::TurnCredentials(TurnCredentials::read(&mut reader)?),
            0x88 => Self::Pong(reader.u32()?),
            0x90 => {
                let (channel, cell) = read_cell(&mut reader)?;
                Self::Message { channel, cell }
            }
            0x91 => Self::Peer { channel: reader.u16()?, event: PeerEvent::from_u8(reader.u8()?)? },
            0xFF => Self::Error { channel: reader.u16()?, code: ErrorCode::from_u16(reader.u16()?)? },
            op => return Err(DecodeError::UnknownType(op)),
        };
        reader.finish()?;
        Ok(frame)
    }
}

impl TurnCredentials {
    /// Whether they can be sent: 1 to 255 printable ASCII characters in each text, at least one URL, and everything in
    /// one frame.
    ///
    /// # Errors
    /// `Range` with the field that does not fit.
    pub fn check(&self) -> Result<(), DecodeError> {
        let fits = |text: &str| (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if !fits(&self.username) || !fits(&self.password) {
            return Err(DecodeError::Range("relay credentials"));
        }
        let len =
            8 + self.username.len() + self.password.len() + self.urls.iter().map(|url| 1 + url.len()).sum::<usize>();
        if self.urls.is_empty()
            || self.urls.len() > 255
            || !self.urls.iter().all(|url| fits(url))
            || len > MAX_FRAME_LEN
        {
            return Err(DecodeError::Range("relay urls"));
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        self.check().expect("relay credentials are documented to fit into a frame");
        let mut out = vec![0x87];
        out.extend_from_slice(&self.expiry.to_be_bytes());
        put_short(&mut out, self.username.as_bytes());
        put_short(&mut out, self.password.as_bytes());
        out.push(u8::try_from(self.urls.len()).expect("checked above"));
        for url in &self.urls {
            put_short(&mut out, url.as_bytes());
        }
        out
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let expiry = reader.u32()?;
        let mut text = || utf8(reader.short_bytes()?, "relay credentials");
        let (username, password) = (text()?, text()?);
        let count = reader.u8()?;
        let urls = (0..count).map(|_| utf8(reader.short_bytes()?, "relay urls")).collect::<Result<Vec<_>, _>>()?;
        let credentials = Self { expiry, username, password, urls };
        credentials.check()?;
        Ok(credentials)
    }
}

/// A frame that is too long is refused before anything else.
const fn open(bytes: &[u8]) -> Result<Reader<'_>, DecodeError> {
    if bytes.len() > MAX_FRAME_LEN { Err(DecodeError::Trailing) } else { Ok(Reader::new(bytes)) }
}

fn with_u16(op: u8, value: u16) -> Vec<u8> {
    let [high, low] = value.to_be_bytes();
    vec![op, high, low]
}

fn with_u32(op: u8, value: u32) -> Vec<u8> {
    let mut out = vec![op];
    out.extend_from_slice(&value.to_be_bytes());
    out
}

fn with_cell(op: u8, channel: u16, cell: &Cell) -> Vec<u8> {
    let mut out = Vec::with_capacity(3 + CELL_LEN);
    out.extend_from_slice(&with_u16(op, channel));
    out.extend_from_slice(cell.as_bytes());
    out
}

fn read_cell(reader: &mut Reader<'_>) -> Result<(u16, Cell), DecodeError> {
    let channel = reader.u16()?;
    let cell = Cell::from_bytes(reader.rest())?;
    Ok((channel, cell))
}
