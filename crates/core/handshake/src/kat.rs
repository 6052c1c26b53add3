//! Known answers of PROTOCOL, Appendix B, through the state machines.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, VecDeque};

use rand_core::{TryCryptoRng, TryRng};
use sotto_identity::{IdentityKey, Secret, derive};
use sotto_wire::{Cell, Role, SigMessage, sig::Policy};

use crate::{
    AwaitConfirm, AwaitHs2, AwaitHs3, AwaitKkHs2, Established, Invite, Params, Purpose, SessionWords, address,
};

/// Hands out scripted bytes, in order, and nothing else.
pub(crate) struct Script(VecDeque<u8>);

impl Script {
    pub(crate) fn new(parts: &[&[u8]]) -> Self {
        Self(parts.concat().into())
    }
}

impl TryRng for Script {
    type Error = core::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Self::Error> {
        for byte in dst {
            *byte = self.0.pop_front().expect("the script is long enough");
        }
        Ok(())
    }
}

impl TryCryptoRng for Script {}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "{text}");
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `tests/vectors/tsp1/vectors.txt`: name, space, value.
pub(crate) fn vectors() -> BTreeMap<String, String> {
    let text = include_str!("../../../../tests/vectors/tsp1/vectors.txt");
    text.lines()
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

pub(crate) fn extra(name: &str) -> String {
    let text = include_str!("../../../../tests/vectors/tsp1/extra_vectors.txt");
    let line = text.lines().find_map(|line| line.trim().strip_prefix(name)).expect(name);
    line.trim().to_owned()
}

fn kat_hash(bytes: &[u8]) -> String {
    hex(&derive::hash("kat", &[bytes])[..16])
}

fn key(byte: u8) -> IdentityKey {
    IdentityKey::from_bytes(&Secret::new([byte; 32]))
}

const I_SCRIPT: [&[u8]; 3] = [&[0x33; 32], &[0x55; 64], &[0x77; 32]];
const R_SCRIPT: [&[u8]; 3] = [&[0x44; 32], &[0x66; 32], &[0x88; 32]];

fn invite() -> Invite {
    let secret: Vec<u8> = (0..32).collect();
    let url = crate::RendezvousUrl::parse("wss://rdv.example/v1").unwrap();
    Invite::generate(key(0x22).public(), url, 29_000_000 * 60, &mut Script::new(&[&secret]))
}

fn first_contact() -> (Established, Established, [Cell; 3]) {
    let (i, r) = (key(0x11), key(0x22));
    let keys = invite().keys();
    let address = address::rendezvous_address(&keys.rendezvous_key, 485_000);
    let purpose = Purpose::Invite { context: keys.context };
    let params = Params::initiator(purpose, address, keys.psk0.clone(), 1);
    let (at_i, hs1) = AwaitHs2::start(params, &i, Some(r.public().idhash()), &mut Script::new(&I_SCRIPT));
    let params = Params::responder(purpose, address, keys.psk0, &hs1);
    let (at_r, hs2) = AwaitHs3::respond(params, &r, &hs1, None, &mut Script::new(&R_SCRIPT)).unwrap();
    let (hs3, at_i) = at_i.read(&hs2).unwrap().finish().unwrap();
    let at_r = at_r.read(&hs3).unwrap();
    (at_i, at_r, [hs1, hs2, hs3])
}

#[test]
fn kat_tsp1_invite_and_addresses() {
    let kat = vectors();
    let invite = invite();
    assert_eq!(hex(&invite.idhash()), kat["idhash_r"]);
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let text = format!("tsp1:{}", BASE64_URL_SAFE_NO_PAD.encode(unhex(&kat["invite"])));
    assert_eq!(invite.to_text(), text);
    let keys = invite.keys();
    assert_eq!(hex(keys.psk0.expose()), kat["inv_psk0"]);
    assert_eq!(hex(keys.rendezvous_key.expose()), kat["inv_K_rdv"]);
    assert_eq!(hex(&keys.context), kat["prologue_xx"][84..]);
    assert_eq!(hex(&address::rendezvous_address(&keys.rendezvous_key, 485_000)), kat["inv_addr_slot485000"]);
    let contact: [u8; 32] = unhex(&kat["contact_addr_slot485000"]).try_into().unwrap();
    let device = Secret::new([0xaa; 32]);
    let owner = |role| hex(&address::owner_tag(&device, &contact, role));
    assert_eq!(owner(Role::Initiator), extra("owner (device_secret aa*32, contact addr, side 0)"));
    assert_eq!(owner(Role::Responder), extra("owner side 1"));
}

#[test]
fn kat_tsp1_first_contact() {
    let kat = vectors();
    let (mut at_i, at_r, cells) = first_contact();
    for (index, cell) in cells.iter().enumerate() {
        assert_eq!(kat_hash(cell.body()), kat[&format!("xx_frame{}_sha", index + 1)]);
    }
    for side in [&at_i, &at_r] {
        assert_eq!(hex(&side.session_hash()), kat["xx_h"]);
        assert_eq!(hex(side.hs_root().expose()), kat["xx_hs_root"]);
        assert_eq!(hex(side.epoch_root_0().expose()), kat["xx_epoch_root0"]);
        assert_eq!(hex(side.next_continuity().expose()), kat["xx_cont"]);
        let (psk, rendezvous) = side.contact_secrets();
        assert_eq!(hex(psk.expose()), kat["K_psk"]);
        assert_eq!(hex(rendezvous.expose()), kat["K_rdv"]);
        assert_eq!(hex(&address::rendezvous_address(&rendezvous, 485_000)), kat["contact_addr_slot485000"]);
        assert_eq!(hex(&side.session_id()), extra("xx session_id"));
        let sig_key = |d| hex(derive::kdf::<32>(side.hs_root(), "sig key", &[d]).expose());
        assert_eq!([sig_key(0), sig_key(1)], [kat["xx_sig_i2r"].clone(), kat["xx_sig_r2i"].clone()]);
        assert_eq!(side.peer_versions().to_byte(), 0x11);
    }
    assert_eq!(at_i.peer().as_bytes()[..], unhex(&kat["pk_r"]));
    assert_eq!(at_r.peer().as_bytes()[..], unhex(&kat["pk_i"]));

    let policy = SigMessage::Policy(Policy { ice: 0, compare: 0, caps: 0, held: 0 });
    let cells = at_i.sig_mut().seal(&policy);
    let [cell] = cells.as_slice() else { panic!("one cell") };
    assert!(extra("xx SIG I->R seq 0").ends_with(&hex(&cell.as_bytes()[..28])));
    assert_eq!(kat_hash(cell.as_bytes()), extra("H(kat; cell)[0:16]"));
}

#[test]
fn sas_words_kat() {
    let (at_i, at_r, _) = first_contact();
    let (client, therapist) = (at_i.session_words(), at_r.session_words());
    assert_eq!(client.own_words().map(str::to_lowercase), ["ahead", "positive", "blockade"]);
    assert_eq!(therapist.own_words().map(str::to_lowercase), ["stethoscope", "tonic", "whimsical"]);
    assert_eq!((client.own_digits(), therapist.own_digits()), ("950154".to_owned(), "370161".to_owned()));
    assert!(!client.reads_first() && therapist.reads_first());
}

/// The pinned session of the vectors: each side's key and session, after ACK.
pub(crate) fn pinned_contact() -> ((IdentityKey, Established), (IdentityKey, Established)) {
    let kat = vectors();
    let (i, r) = (key(0x11), key(0x22));
    let psk: [u8; 32] = unhex(&kat["K_psk"]).try_into().unwrap();
    let address: [u8; 32] = unhex(&kat["contact_addr_slot485000"]).try_into().unwrap();
    let params = Params::initiator(Purpose::Pinned, address, Secret::new(psk), 1);
    let (at_i, hs1) = AwaitKkHs2::start(params, &i, r.public(), &mut Script::new(&I_SCRIPT));
    let params = Params::responder(Purpose::Pinned, address, Secret::new(psk), &hs1);
    let (at_r, hs2) = AwaitConfirm::respond(params, &r, i.public(), &hs1, &mut Script::new(&R_SCRIPT)).unwrap();
    let continuity = Secret::new(unhex(&kat["xx_cont"]).try_into().unwrap());
    let held = [Some(&continuity), None];
    let (mut at_i, confirm) = at_i.read(&hs2, held, &mut Script::new(&[&[1; 16], &[1; 16]])).unwrap();
    let mut at_r = at_r.read(&confirm[0]).unwrap();
    let ack = at_r.ack(held, &mut Script::new(&[&[1; 16]]));
    assert_eq!(at_i.read_ack(&ack[0], 0), Ok(true));
    ((i, at_i), (r, at_r))
}

#[test]
fn kat_tsp1_pinned_contact() {
    let kat = vectors();
    let ((_, at_i), (_, at_r)) = pinned_contact();

    let sas: [u8; 20] = unhex(&extra("kk sas[0:20]")).try_into().unwrap();
    let mut padded = [0; 64];
    padded[..20].copy_from_slice(&sas);
    for (side, role) in [(&at_i, Role::Initiator), (&at_r, Role::Responder)] {
        assert_eq!(hex(&side.session_hash()), kat["kk_h"]);
        assert_eq!(hex(side.hs_root().expose()), kat["kk_hs_root"]);
        let sig_key = |d| hex(derive::kdf::<32>(side.hs_root(), "sig key", &[d]).expose());
        assert_eq!([sig_key(0), sig_key(1)], [kat["kk_sig_i2r"].clone(), kat["kk_sig_r2i"].clone()]);
        assert_eq!(hex(side.epoch_root_0().expose()), kat["kk_epoch_root0"]);
        assert_eq!(hex(side.next_continuity().expose()), kat["kk_cont"]);
        assert_eq!(hex(&side.tx0()), extra("tx0"));
        let expected = SessionWords::from_hash(role, &padded);
        let words = side.session_words();
        assert_eq!(
            (words.own_words(), words.own_digits(), words.reads_first()),
            (expected.own_words(), expected.own_digits(), expected.reads_first())
        );
    }
}

/// The pinned session of the vectors, as one that goes on from the first contact.
#[test]
fn kat_tsp1_resume() {
    let ((_, xx_i, _), (_, kk)) = (first_contact(), pinned_contact().0);
    assert_eq!(hex(xx_i.resume_key().expose()), extra("xx resume_key"));
    assert_eq!(hex(kk.resume_key().expose()), extra("kk resume_key"));
    let key = xx_i.resume_key();
    let tag = |from| {
        let mut none = Script::new(&[]);
        hex(crate::resume::own(kk.hs_root(), from, Some(&key), &mut none).expose())
    };
    assert_eq!(tag(Role::Initiator), extra("kk rtag d=0 (old = xx resume_key)"));
    assert_eq!(tag(Role::Responder), extra("kk rtag d=1"));
}

#[test]
fn kat_tsp1_spoken_code() {
    let kat = vectors();
    let code = crate::CodeSecret::new(Secret::new(unhex("0fa53c71").try_into().unwrap()), "4711", "RDV.example:443");
    let sid = [0x99; 32];
    // 64 bytes are reduced: upper half zero gives the scalars of the vectors.
    let (ya, yb) = (Script::new(&[&[0xaa; 32], &[0; 32]]), Script::new(&[&[0xbb; 32], &[0; 32]]));
    let (run, pa1) = crate::cpace::Initiator::start(&code, &sid, &mut { ya });
    let responded = crate::cpace::respond(&pa1, &code, &sid, &mut { yb }).unwrap();
    assert_eq!(hex(&pa1.header()), "01010111");
    assert_eq!(hex(&responded.cell.header()), "02010100");
    assert_eq!(hex(&pa1.pa_share().unwrap()), kat["cpace_Ya"]);
    assert_eq!(hex(&responded.cell.pa_share().unwrap()), kat["cpace_Yb"]);
    let (psk0, context) = run.finish(&responded.cell).unwrap();
    assert_eq!(hex(psk0.expose()), kat["cpace_psk0"]);
    assert_eq!(hex(responded.psk0.expose()), kat["cpace_psk0"]);
    assert_eq!(hex(&context), extra("cpace ctx (appendix B inputs)"));
    assert_eq!(responded.context, context);
}
