//! A vault file that somebody changed (PROTOCOL §12.5).

use sotto_identity::Secret;

use crate::{
    body,
    container::{self, Header, Kind},
    cost::KdfParams,
};

/// As a file, and as what a file would hold. The key derivation is left out: it costs what it costs.
///
/// # Panics
/// If a profile that is read is not written as it was read.
pub fn fuzz_vault_open(data: &[u8]) {
    for kind in [Kind::Vault, Kind::Move] {
        if let Ok(header) = Header::of(kind, data) {
            let params = header.params();
            let _ = (params.check_floor(KdfParams::FLOOR), params.check());
            assert!(container::open_body(data, &Secret::new([0x7c; 32])).is_err(), "opened without the key");
        }
    }
    if let Ok(profile) = body::decode(data) {
        let written = body::encode(&profile).expect("what was read can be written");
        let again = body::decode(&written).expect("what was written can be read");
        assert!(*body::encode(&again).expect("and written again") == *written, "a profile changes by itself");
    }
}
