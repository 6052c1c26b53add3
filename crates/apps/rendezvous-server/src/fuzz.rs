//! A datagram to the relay (PROTOCOL §12.5).

use crate::relay::fuzz_stun;

/// What stands in front of the TURN server reads it.
pub fn fuzz_turn_shim(data: &[u8]) {
    fuzz_stun(data);
}
