//! What a client types or pastes to join: a link or a spoken code, told apart (PROTOCOL §3.1, §3.2).

use crate::{
    code::SpokenCode,
    invite::{Invite, InviteError, MAX_TEXT_LEN, PREFIX},
};

/// A parsed invitation.
#[derive(Debug)]
pub enum JoinText {
    /// A long invite.
    Invite(Box<Invite>),
    /// A spoken code.
    Code(SpokenCode),
}

/// Why text is neither. Each has its own advice; none of it leaves this computer. `Debug` shows no word: suggestions are
/// near to a secret.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// Nothing was typed.
    #[error("nothing was typed")]
    Empty,
    /// Neither a link nor anything like a code.
    #[error("this is neither an invite nor a code")]
    NotACode,
    /// A link that is damaged, altered or too new.
    #[error(transparent)]
    Invite(#[from] InviteError),
    /// The number at the start does not have six digits.
    #[error("the number at the start has six digits")]
    Nameplate,
    /// Not four words.
    #[error("a code has four words, not {found}")]
    WordCount {
        /// Words found.
        found: usize,
    },
    /// A word that is not in the list.
    #[error("word {} is not in the list", position + 1)]
    UnknownWord {
        /// 0–3.
        position: usize,
        /// Words of the list that are written like it, at most four.
        suggestions: Vec<&'static str>,
    },
    /// A word that is in the list for the other positions: swapped, left out, or repeated.
    #[error("word {} can't stand there: are two words swapped?", position + 1)]
    WordPosition {
        /// 0–3.
        position: usize,
    },
    /// What follows `@` is no host name. International names are given as A-labels (`xn--…`).
    #[error("the server after @ is not valid")]
    Host,
}

impl core::fmt::Debug for JoinError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "JoinError({self})")
    }
}

/// Parses what a person typed, pasted, scanned or opened.
///
/// # Errors
/// [`JoinError`], by what is wrong first.
pub fn parse_join_text(text: &str) -> Result<JoinText, JoinError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(JoinError::Empty);
    }
    if text.len() > MAX_TEXT_LEN {
        return Err(JoinError::NotACode);
    }
    match text.split_at_checked(PREFIX.len()) {
        Some((prefix, _)) if prefix.eq_ignore_ascii_case(PREFIX) => {
            Ok(JoinText::Invite(Box::new(Invite::parse_text(text)?)))
        }
        _ => SpokenCode::parse(text).map(JoinText::Code),
    }
}
