//! `sotto-hands`: two people at two real windows, from the first start to the end of a session.
//!
//! It presses keys and drops files by the X server and reads the windows over the accessibility bus, as a blind person's screen reader
//! does: what it can't name it can't use. It owns the display, the buses, the sound servers and the programs it starts,
//! and ends them. The program under test has no part of it: nothing in the window answers a comparison by itself.
//!
//! Standard output is one JSON object with what was measured; standard error tells the steps.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "standard output is this program's interface to xtask")]

mod drop;
mod error;
mod eyes;
mod notifications;
mod person;
mod reader;
mod screen;
mod session;
mod sound;
mod traces;

use std::{path::PathBuf, process::ExitCode};

use error::{Outcome, Trouble};
use sotto_session_api::sentences::Language;

const USAGE: &str = "sotto-hands --sotto FILE --rendezvous FILE --folder DIR --pictures DIR
            [--language en|de] [--theme light|dark|contrast] [--seconds N] [--figures]";

/// What is to be done.
pub struct Options {
    sotto: PathBuf,
    rendezvous: PathBuf,
    folder: PathBuf,
    pictures: PathBuf,
    language: Language,
    theme: String,
    seconds: u64,
    figures: bool,
}

impl Options {
    fn parse(arguments: impl IntoIterator<Item = String>) -> Outcome<Self> {
        let mut options = Self {
            sotto: PathBuf::new(),
            rendezvous: PathBuf::new(),
            folder: PathBuf::new(),
            pictures: PathBuf::new(),
            language: Language::English,
            theme: "light".to_owned(),
            seconds: 12,
            figures: false,
        };
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            if argument == "--figures" {
                options.figures = true;
                continue;
            }
            let value = rest.next().ok_or_else(|| Trouble::new(format!("{argument} needs a value\n{USAGE}")))?;
            match argument.as_str() {
                "--sotto" => options.sotto = value.into(),
                "--rendezvous" => options.rendezvous = value.into(),
                "--folder" => options.folder = value.into(),
                "--pictures" => options.pictures = value.into(),
                "--theme" => options.theme = value,
                "--language" if value == "de" => options.language = Language::German,
                "--language" if value == "en" => options.language = Language::English,
                "--seconds" => {
                    options.seconds = value
                        .parse()
                        .ok()
                        .filter(|seconds| (3..=3600).contains(seconds))
                        .ok_or_else(|| Trouble::new("--seconds takes 3 to 3600"))?;
                }
                _ => return Err(Trouble::new(format!("there is no {argument} {value}\n{USAGE}"))),
            }
        }
        for path in [&options.sotto, &options.rendezvous, &options.folder, &options.pictures] {
            if path.as_os_str().is_empty() {
                return Err(Trouble::new(USAGE));
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| session::hold(&options)) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(trouble) => {
            eprintln!("sotto-hands: {trouble}");
            ExitCode::FAILURE
        }
    }
}
