//! Opens SRTP as somebody does who has its keys and nothing else (RFC 7714).
#![allow(clippy::unwrap_used, reason = "tests")]

use aes_gcm::{
    AeadInOut, Aes256Gcm, KeyInit,
    aes::{
        Aes256,
        cipher::{BlockCipherDecrypt, BlockCipherEncrypt},
    },
};
use sotto_netlab::stun::RtpHeader;

/// What is inside, and the nonce that it was sealed with. `None` if it was with another key.
///
/// The salt needn't be known: what GCM lays over its tag is the nonce, enciphered, and the key leads back to it.
pub fn open(packet: &[u8], key: &[u8; 32]) -> Option<(Vec<u8>, [u8; 12])> {
    let (head, sealed) = packet.split_at(RtpHeader::parse(packet)?.length);
    let (text, tag) = sealed.split_last_chunk::<16>()?;
    let (gcm, aes) = (Aes256Gcm::new(key.into()), Aes256::new(key.into()));
    // The same ciphertext, sealed under a nonce that is known: its tag is laid over the same hash.
    let known = [0; 12].into();
    let mut stream = vec![0; text.len()];
    gcm.encrypt_inout_detached(&known, b"", stream.as_mut_slice().into()).unwrap();
    let mut again: Vec<u8> = text.iter().zip(stream).map(|(byte, mask)| byte ^ mask).collect();
    let other = gcm.encrypt_inout_detached(&known, head, again.as_mut_slice().into()).unwrap();
    assert_eq!(again, text);
    let mut block = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1].into();
    aes.encrypt_block(&mut block);
    block.iter_mut().zip(tag).zip(other).for_each(|((block, tag), other)| *block ^= tag ^ other);
    aes.decrypt_block(&mut block);
    let (nonce, counter) = block.split_first_chunk::<12>()?;
    if counter != [0, 0, 0, 1] {
        return None;
    }
    let mut inside = text.to_vec();
    gcm.decrypt_inout_detached(nonce.into(), head, inside.as_mut_slice().into(), tag.into()).ok()?;
    Some((inside, *nonce))
}
