//! What the caller says before the first packet.

/// A relay to use.
#[derive(Clone)]
pub struct Relay {
    /// `turn:host:port?transport=udp`. An IPv6 host stands in brackets.
    pub url: String,
    /// User.
    pub username: String,
    /// Password.
    pub password: String,
}

impl core::fmt::Debug for Relay {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Relay(redacted)")
    }
}

impl Relay {
    /// Host and port of a UDP TURN URL (RFC 7065); `None` for anything that `webrtc` can't speak (`turns:`, TCP).
    pub(crate) fn host_and_port(&self) -> Option<(String, u16)> {
        let rest = self.url.strip_prefix("turn:")?;
        let address = match rest.split_once('?') {
            None => rest,
            Some((address, "transport=udp")) => address,
            Some(_) => return None,
        };
        let (host, port) = match address.strip_prefix('[') {
            Some(v6) => {
                let (host, port) = v6.split_once(']')?;
                (host, port.strip_prefix(':')?)
            }
            None => address.rsplit_once(':')?,
        };
        let port = port.parse::<u16>().ok().filter(|port| *port != 0)?;
        (!host.is_empty()).then(|| (host.to_owned(), port))
    }
}

/// How to connect. The default has no relay and no SSRCs: it is there for struct update syntax only.
#[derive(Clone, Debug, Default)]
pub struct TransportConfig {
    /// True: makes the offer (client). False: answers (therapist).
    pub offerer: bool,
    /// Relays; with `relay_only` at least one.
    pub relays: Vec<Relay>,
    /// Only relay candidates, both ways.
    pub relay_only: bool,
    /// The relay may sit on this computer or in this private network, and so may the addresses that it gives out.
    /// False in real use: then a loopback, private or link-local relay address is refused both ways, since it could
    /// only make this computer probe its own network. True for a demo and for tests on loopback.
    pub allow_local_relay: bool,
    /// SSRCs for audio, camera, screen, drawn by the caller: (media, rtx); rtx is 0 for audio. All others are
    /// different from each other and not 0.
    pub ssrcs: [(u32, u32); 3],
}

#[cfg(test)]
mod tests {
    use super::Relay;

    #[test]
    fn only_udp_turn_urls_with_a_port_are_understood() {
        let cases: [(&str, Option<(&str, u16)>); 9] = [
            ("turn:relay.example:3478?transport=udp", Some(("relay.example", 3478))),
            ("turn:relay.example:3478", Some(("relay.example", 3478))),
            ("turn:[2001:db8::1]:3478?transport=udp", Some(("2001:db8::1", 3478))),
            ("turn:relay.example:3478?transport=tcp", None),
            ("turns:relay.example:443?transport=udp", None),
            ("turn:relay.example", None),
            ("turn::3478", None),
            ("turn:relay.example:0", None),
            ("stun:relay.example:3478", None),
        ];
        for (url, want) in cases {
            let relay = Relay { url: url.into(), username: String::new(), password: String::new() };
            assert_eq!(relay.host_and_port(), want.map(|(host, port)| (host.to_owned(), port)), "{url}");
        }
    }
}
