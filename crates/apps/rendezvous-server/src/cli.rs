//! The command line of `sotto-rendezvous`.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

/// What `--help` prints.
pub const USAGE: &str = "\
sotto-rendezvous --listen ADDR:PORT [--tls-self-signed [--tls-key FILE] | --tls-cert FILE --tls-key FILE]
                 [--embedded-relay [--relay-addr ADDR] [--relay-allocations N] [--turn-secret-file FILE]]
                 [--relay-credentials N]
                 [--turn-url URL --turn-secret-file FILE]

  --listen ADDR:PORT      where to listen; port 0 takes a free one. Without TLS only on loopback
  --tls-self-signed       a certificate of its own; clients pin the printed spki. With --tls-key FILE the key is kept
                          there (made if FILE doesn't exist) and the spki stays; without it each start has a new one
  --tls-cert, --tls-key   PEM files; the printed spki stays the same as long as the key does
  --embedded-relay        relay (TURN, UDP on the port of the same number) in this process
  --relay-addr ADDR       IP address that clients reach the relay under, when it isn't the one listened on
  --relay-allocations N   places in it; two a session (512)
  --relay-credentials N   relay credentials for one address in an hour, a quarter of them for each side of a meeting (64)
  --turn-url URL          a relay elsewhere, like turn:host:3478?transport=udp; may be repeated
  --turn-secret-file FILE the secret shared with it (coturn: static-auth-secret). With --embedded-relay: the secret of
                          this relay, so that another server can send people here by --turn-url
  --insecure-debug        allow RUST_LOG above warn

Prints one line of JSON when ready. SIGUSR1 prints counters, SIGINT and SIGTERM end it.
";

/// A parsed command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `--listen`
    pub listen: SocketAddr,
    /// Certificate.
    pub tls: crate::Tls,
    /// `--embedded-relay`
    pub embedded_relay: bool,
    /// `--relay-addr`
    pub relay_addr: Option<IpAddr>,
    /// `--turn-url`
    pub turn_urls: Vec<String>,
    /// `--turn-secret-file`
    pub turn_secret_file: Option<PathBuf>,
    /// `--relay-credentials`
    pub relay_credentials: Option<usize>,
    /// `--relay-allocations`
    pub relay_allocations: Option<usize>,
    /// `--insecure-debug`
    pub insecure_debug: bool,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Print [`USAGE`].
    Help,
    /// Serve.
    Serve(Box<Options>),
}

/// Parses the arguments after the program's name.
///
/// # Errors
/// A sentence for the operator.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Action, String> {
    let mut arguments = arguments.into_iter();
    let (mut listen, mut cert, mut key, mut self_signed) = (None, None, None, false);
    let mut options = Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        tls: crate::Tls::None,
        embedded_relay: false,
        relay_addr: None,
        turn_urls: Vec::new(),
        turn_secret_file: None,
        relay_credentials: None,
        relay_allocations: None,
        insecure_debug: false,
    };
    while let Some(argument) = arguments.next() {
        // Both `--name value` and `--name=value`.
        let (name, attached) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            _ => (argument, None),
        };
        let is_flag = ["--help", "-h", "--tls-self-signed", "--embedded-relay", "--insecure-debug"];
        if is_flag.contains(&name.as_str()) && attached.is_some() {
            return Err(format!("{name} takes no value"));
        }
        let mut value = || attached.clone().or_else(|| arguments.next()).ok_or(format!("{name} needs a value"));
        match name.as_str() {
            "--help" | "-h" => return Ok(Action::Help),
            "--listen" => {
                let text = value()?;
                listen =
                    Some(text.parse().map_err(|_| format!("--listen wants ADDR:PORT with an IP address, not {text}"))?);
            }
            "--tls-self-signed" => self_signed = true,
            "--tls-cert" => cert = Some(PathBuf::from(value()?)),
            "--tls-key" => key = Some(PathBuf::from(value()?)),
            "--embedded-relay" => options.embedded_relay = true,
            "--relay-addr" => {
                let text = value()?;
                options.relay_addr =
                    Some(text.parse().map_err(|_| format!("--relay-addr wants an IP address, not {text}"))?);
            }
            "--relay-allocations" => options.relay_allocations = Some(count(&name, &value()?)?),
            "--relay-credentials" => options.relay_credentials = Some(count(&name, &value()?)?),
            "--turn-url" => {
                let url = value()?;
                if !(url.starts_with("turn:") || url.starts_with("turns:")) || url.len() > 255 {
                    return Err("--turn-url wants turn:host:port?transport=udp or turns:host:port".into());
                }
                options.turn_urls.push(url);
            }
            "--turn-secret-file" => options.turn_secret_file = Some(PathBuf::from(value()?)),
            "--insecure-debug" => options.insecure_debug = true,
            "--nats" | "--policy" => return Err(format!("{name} is not there yet in this version")),
            _ => return Err(format!("unknown option {name}; see --help")),
        }
    }
    options.listen = listen.ok_or("--listen ADDR:PORT is missing; see --help")?;
    options.tls = match (self_signed, cert, key) {
        (false, None, None) => crate::Tls::None,
        (true, None, key) => crate::Tls::SelfSigned { key },
        (false, Some(cert), Some(key)) => crate::Tls::Files { cert, key },
        (true, _, _) => return Err("--tls-self-signed and certificate files exclude each other".into()),
        _ => return Err("--tls-cert and --tls-key belong together".into()),
    };
    if options.relay_addr.is_some() && !options.embedded_relay {
        return Err("--relay-addr belongs to --embedded-relay".into());
    }
    if options.relay_allocations.is_some() && !options.embedded_relay {
        return Err("--relay-allocations belongs to --embedded-relay".into());
    }
    if !options.embedded_relay && options.turn_urls.is_empty() != options.turn_secret_file.is_none() {
        return Err("--turn-url and --turn-secret-file belong together".into());
    }
    if options.embedded_relay && !options.turn_urls.is_empty() {
        return Err("--embedded-relay and --turn-url exclude each other".into());
    }
    if options.turn_urls.len() > 4 {
        return Err("at most four relays".into());
    }
    Ok(Action::Serve(Box::new(options)))
}

fn count(name: &str, text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=100_000).contains(count));
    count.ok_or(format!("{name} wants a number from 1 to 100000, not {text}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn run(line: &str) -> Result<Action, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_documented_forms_are_understood() {
        let Action::Serve(options) =
            run("--listen 203.0.113.1:443 --tls-self-signed --embedded-relay --relay-addr=203.0.113.9").unwrap()
        else {
            panic!()
        };
        assert_eq!(options.tls, crate::Tls::SelfSigned { key: None });
        assert_eq!(options.relay_addr, Some("203.0.113.9".parse().unwrap()));
        let Action::Serve(options) =
            run("--listen [::1]:0 --turn-url turn:a:1?transport=udp --turn-url turns:b:2 --turn-secret-file f")
                .unwrap()
        else {
            panic!()
        };
        assert_eq!(options.turn_urls.len(), 2);
        assert_eq!(options.turn_urls[0], "turn:a:1?transport=udp", "an = inside a value stays");
        assert_eq!(run("--help"), Ok(Action::Help));
    }

    #[test]
    fn contradictions_and_what_is_missing_are_said() {
        for (line, part) in [
            ("", "--listen"),
            ("--listen", "needs a value"),
            ("--listen localhost:1", "IP address"),
            ("--listen 127.0.0.1:0 --nats nats://x", "not there yet"),
            ("--listen 127.0.0.1:0 --policy f", "not there yet"),
            ("--listen 127.0.0.1:0 --tls-cert f", "belong together"),
            ("--listen 127.0.0.1:0 --tls-self-signed --tls-cert f --tls-key g", "exclude"),
            ("--listen 127.0.0.1:0 --relay-addr 127.0.0.1", "belongs to"),
            ("--listen 127.0.0.1:0 --relay-allocations 5", "belongs to"),
            ("--listen 127.0.0.1:0 --embedded-relay --relay-allocations 0", "a number"),
            ("--listen 127.0.0.1:0 --relay-credentials many", "a number"),
            ("--listen 127.0.0.1:0 --turn-secret-file f", "belong together"),
            ("--listen 127.0.0.1:0 --turn-url turn:x", "belong together"),
            ("--listen 127.0.0.1:0 --turn-url http://x", "turn:"),
            ("--listen 127.0.0.1:0 --embedded-relay --turn-url turn:x --turn-secret-file f", "exclude"),
            ("--listen 127.0.0.1:0 --embedded-relay=yes", "no value"),
            ("--listen 127.0.0.1:0 --frobnicate", "unknown"),
        ] {
            let error = run(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
