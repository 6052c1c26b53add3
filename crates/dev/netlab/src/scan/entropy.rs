//! How even the bytes are that should be ciphertext: eight bits a byte for AES and ChaCha20, less for sound, pictures,
//! text and padding.

use std::collections::BTreeMap;

use crate::capture::Frame;
use crate::dtls::records;
use crate::stun::{Kind, RtpHeader, payloads};

/// Bytes by value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    counts: [u64; 256],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; 256] }
    }
}

impl Histogram {
    /// Counts these too.
    pub fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.counts[usize::from(byte)] += 1;
        }
    }

    /// Counts what another one counted.
    pub fn join(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
    }

    /// How many bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Shannon entropy of a byte, bits. Even bytes fall short of eight by about 184 bits over their number.
    #[must_use]
    pub fn bits_per_byte(&self) -> f64 {
        let all = self.bytes() as f64;
        let shares = self.counts.iter().filter(|&&count| count > 0).map(|&count| count as f64 / all);
        shares.map(|share| -share * share.log2()).sum()
    }

    /// How far from even the bytes are, whatever their number: the statistic of the G-test. Even bytes have 255 ± 23, which
    /// is eight bits a byte but for what chance takes; from 10,000 bytes on anything else soon has thousands.
    #[must_use]
    pub fn unevenness(&self) -> f64 {
        (8.0 - self.bits_per_byte()) * 2.0 * std::f64::consts::LN_2 * self.bytes() as f64
    }
}

/// What a ciphertext belongs to, as the link shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Carrier {
    /// RTP of this payload type, behind header and extension.
    Rtp(u8),
    /// RTCP, between the sender's SSRC and the index (RFC 7714 §9).
    Rtcp,
    /// DTLS records above epoch 0, behind their header.
    Dtls,
}

/// The bytes of a link that should be ciphertext, by what carries them.
#[must_use]
pub fn ciphertext(frames: &[Frame]) -> BTreeMap<Carrier, Histogram> {
    let mut found: BTreeMap<Carrier, Histogram> = BTreeMap::new();
    for payload in payloads(frames) {
        let bytes = payload.payload;
        match payload.kind {
            Kind::Rtp => {
                if let Some(header) = RtpHeader::parse(bytes) {
                    found.entry(Carrier::Rtp(header.payload_type)).or_default().add(&bytes[header.length..]);
                }
            }
            Kind::Rtcp => {
                let sealed = bytes.get(8..bytes.len().saturating_sub(4)).unwrap_or_default();
                found.entry(Carrier::Rtcp).or_default().add(sealed);
            }
            Kind::Dtls => {
                for record in records(bytes).filter(|record| record.epoch > 0) {
                    found.entry(Carrier::Dtls).or_default().add(record.body);
                }
            }
            Kind::Stun | Kind::Channel | Kind::Other => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtls::build::record;
    use crate::packet::build::udp;
    use crate::stun::build::{channel, rtp};
    use crate::wire::Random;

    fn histograms(body: impl Fn(&mut Random) -> Vec<u8>) -> BTreeMap<Carrier, Histogram> {
        let mut random = Random::new(4);
        let mut frames = Vec::new();
        for sequence in 0..200 {
            let rtcp = [&[0x80, 201, 0, 7][..], &[0; 4], &body(&mut random), &[0x80, 0, 0, 1]].concat();
            for payload in [rtp(111, 5, sequence, &body(&mut random)), rtcp, record(23, 1, &body(&mut random))] {
                frames.push(udp("198.51.100.7:4000", "192.0.2.10:3478", &channel(0x4000, &payload)));
            }
            // Readable by right, and not counted.
            frames.push(udp("198.51.100.7:4000", "192.0.2.10:3478", &record(22, 0, &[0; 900])));
        }
        let found = ciphertext(&frames);
        assert!(found.values().all(|histogram| histogram.bytes() == 200 * 1000));
        found
    }

    /// Least and greatest entropy over the carriers.
    fn bits(histograms: &BTreeMap<Carrier, Histogram>) -> (f64, f64) {
        let bits = histograms.values().map(Histogram::bits_per_byte);
        bits.fold((8.0, 0.0), |(least, greatest), bits| (bits.min(least), bits.max(greatest)))
    }

    #[test]
    fn even_bytes_have_eight_bits_and_text_padding_and_constant_bytes_have_not() {
        let random_up_to = |end: usize| {
            histograms(move |random| {
                let mut body = vec![0; 1000];
                random.fill(&mut body[..end]);
                body
            })
        };
        let even = random_up_to(1000);
        assert_eq!(even.keys().copied().collect::<Vec<_>>(), [Carrier::Rtp(111), Carrier::Rtcp, Carrier::Dtls]);
        assert!(bits(&even).0 > 7.998 && even.values().all(|histogram| histogram.unevenness() < 400.0), "{even:?}");
        // A tenth of padding is seen, and one constant byte in a hundred.
        assert!(bits(&random_up_to(900)).1 < 7.8);
        assert!(random_up_to(990).values().all(|histogram| histogram.unevenness() > 1500.0));
        assert!(bits(&histograms(|_| b"Good morning, please sit ".repeat(40))).1 < 4.5);
        assert_eq!(bits(&histograms(|_| vec![9; 1000])).1, 0.0);
    }

    #[test]
    fn an_empty_histogram_is_no_number_to_rely_on() {
        let empty = Histogram::default();
        assert_eq!((empty.bytes(), empty.bits_per_byte(), empty.unevenness()), (0, 0.0, 0.0));
    }
}
