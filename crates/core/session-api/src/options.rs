//! The options of a program: `--name VALUE` or `--name=VALUE` on its command line, else `SOTTO_NAME` in its environment.

use core::{ops::RangeInclusive, str::FromStr};
use std::path::PathBuf;

use crate::NotAChoice;

/// `--help` was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Help;

/// The command line or the environment is wrong; the text says where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError(pub String);

impl UsageError {
    /// An option has a value that is none of its own.
    #[must_use]
    pub fn wrong(option: &str, expected: &str) -> Self {
        Self(format!("--{option} takes {expected}"))
    }
}

/// What a program was given, by name.
pub struct Options<E> {
    given: Vec<(&'static str, String)>,
    environment: E,
}

impl<E: Fn(&str) -> Option<String>> Options<E> {
    /// Reads the command line; each option at most once, none but the `known` ones. What is missing is looked up with
    /// `environment` later.
    ///
    /// # Errors
    /// A [`UsageError`] that names the option; `Ok(Err(Help))` where help was asked for.
    pub fn read(
        known: &[&'static str],
        arguments: impl IntoIterator<Item = String>,
        environment: E,
    ) -> Result<Result<Self, Help>, UsageError> {
        let mut given: Vec<(&'static str, String)> = Vec::new();
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            if argument == "--help" || argument == "-h" {
                return Ok(Err(Help));
            }
            let unknown = || UsageError(format!("there is no option {argument:?}"));
            let option = argument.strip_prefix("--").ok_or_else(unknown)?;
            let (name, value) =
                option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value.to_owned())));
            let name = *known.iter().find(|known| **known == name).ok_or_else(unknown)?;
            let value = match value {
                Some(value) => value,
                None => rest.next().ok_or_else(|| UsageError(format!("--{name} needs a value")))?,
            };
            if given.iter().any(|(other, _)| *other == name) {
                return Err(UsageError(format!("--{name} is there twice")));
            }
            given.push((name, value));
        }
        Ok(Ok(Self { given, environment }))
    }

    /// A variable of the environment; an empty one counts as missing.
    pub fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }

    /// The value of an option.
    pub fn text(&self, option: &str) -> Option<String> {
        let given = self.given.iter().find(|(name, _)| *name == option).map(|(_, value)| value.clone());
        given.or_else(|| self.variable(&format!("SOTTO_{}", option.to_ascii_uppercase().replace('-', "_"))))
    }

    /// One of these words.
    ///
    /// # Errors
    /// Another word.
    pub fn one_of<T: Clone>(&self, option: &str, of: &[(&str, T)]) -> Result<Option<T>, UsageError> {
        let Some(text) = self.text(option) else { return Ok(None) };
        match of.iter().find(|(name, _)| *name == text) {
            Some((_, value)) => Ok(Some(value.clone())),
            None => {
                let words: Vec<&str> = of.iter().map(|(name, _)| *name).collect();
                Err(UsageError::wrong(option, &words.join(", ")))
            }
        }
    }

    /// What a device option names.
    ///
    /// # Errors
    /// It names nothing.
    pub fn choice<T: FromStr<Err = NotAChoice>>(&self, option: &str) -> Result<Option<T>, UsageError> {
        self.text(option)
            .map(|text| text.parse().map_err(|error: T::Err| UsageError::wrong(option, error.0)))
            .transpose()
    }

    /// A whole number.
    ///
    /// # Errors
    /// No number, or one outside `range`.
    pub fn number(&self, option: &str, range: &RangeInclusive<u32>) -> Result<Option<u32>, UsageError> {
        let Some(text) = self.text(option) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        let expected = || format!("a whole number from {} to {}", range.start(), range.end());
        number.map(Some).ok_or_else(|| UsageError::wrong(option, &expected()))
    }

    /// A size of the camera picture.
    ///
    /// # Errors
    /// Another size than those that are sent.
    pub fn video_size(&self) -> Result<(u32, u32), UsageError> {
        let sizes = [("640x480", (640, 480)), ("1280x720", (1280, 720))];
        Ok(self.one_of("video-size", &sizes)?.unwrap_or((640, 480)))
    }

    /// How much is logged; no level ever shows an address, a label, a code or a key.
    ///
    /// # Errors
    /// No such level.
    pub fn log(&self) -> Result<String, UsageError> {
        let levels = ["error", "warn", "info", "debug", "trace"].map(|level| (level, level.to_owned()));
        Ok(self.one_of("log", &levels)?.unwrap_or_else(|| "warn".to_owned()))
    }

    /// Folder of the profile: `--profile`, else below the person's data folder.
    ///
    /// # Errors
    /// There is neither.
    pub fn profile(&self) -> Result<PathBuf, UsageError> {
        if let Some(folder) = self.text("profile") {
            return Ok(PathBuf::from(folder));
        }
        let folder = |name: &str| self.variable(name).map(PathBuf::from);
        folder("XDG_DATA_HOME")
            .or_else(|| folder("HOME").map(|home| home.join(".local").join("share")))
            .or_else(|| folder("LOCALAPPDATA"))
            .map(|data| data.join("sotto"))
            .ok_or_else(|| UsageError("there is no home folder: --profile DIR is needed".into()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options<impl Fn(&str) -> Option<String>>, UsageError> {
        let environment = |name: &str| match name {
            "SOTTO_LOG" => Some("info".to_owned()),
            "SOTTO_PROFILE" => Some(String::new()),
            "HOME" => Some("/data/a".to_owned()),
            _ => None,
        };
        Options::read(&["log", "profile", "every", "mic"], line.split_whitespace().map(str::to_owned), environment)
            .map(Result::unwrap)
    }

    #[test]
    fn the_command_line_wins_and_an_empty_variable_counts_as_missing() {
        assert_eq!(read("").unwrap().log().unwrap(), "info");
        assert_eq!(read("--log=debug").unwrap().log().unwrap(), "debug");
        assert_eq!(read("").unwrap().profile().unwrap(), PathBuf::from("/data/a/.local/share/sotto"));
        assert_eq!(read("--profile /p").unwrap().profile().unwrap(), PathBuf::from("/p"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, part) in [("--loud 1", "--loud"), ("log", "log"), ("--log", "needs"), ("--log a --log b", "twice")] {
            let error = read(line).err().unwrap();
            assert!(error.0.contains(part), "{line}: {error:?}");
        }
        let options = read("--log loud --every 0 --mic file:").unwrap();
        assert!(options.log().unwrap_err().0.contains("error, warn"));
        assert!(options.number("every", &(1..=9)).unwrap_err().0.contains("from 1 to 9"));
        assert!(options.choice::<crate::MicrophoneChoice>("mic").unwrap_err().0.contains("--mic takes"));
        assert!(Options::read(&[], ["-h".to_owned()], |_: &str| None).unwrap().is_err());
    }
}
