#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::Value;

use super::*;
use crate::kat::unhex;

fn draft() -> Value {
    serde_json::from_str(include_str!("../../../../../tests/vectors/cpace/draft21_ristretto255.json")).unwrap()
}

fn bytes(draft: &Value, name: &str) -> Vec<u8> {
    unhex(draft[name].as_str().unwrap())
}

fn array(draft: &Value, name: &str) -> [u8; 32] {
    bytes(draft, name).try_into().unwrap()
}

fn scalar(draft: &Value, name: &str) -> Scalar {
    Scalar::from_bytes_mod_order(array(draft, name))
}

#[test]
fn cpace_draft21_ristretto_generator() {
    let d = draft();
    let (prs, ci, sid) = (bytes(&d, "PRS"), bytes(&d, "CI"), bytes(&d, "sid"));
    let string = generator_string(&prs, &ci, &sid);
    assert_eq!(string.len(), 170);
    assert_eq!(Sha512::digest(&*string)[..], bytes(&d, "generator_string_sha512"));
    assert_eq!(generator(&prs, &ci, &sid).compress().to_bytes(), array(&d, "g"));
}

#[test]
fn cpace_draft21_isk_ir() {
    let d = draft();
    let sid = bytes(&d, "sid");
    let g = generator(&bytes(&d, "PRS"), &bytes(&d, "CI"), &sid);
    let (ya, yb) = (scalar(&d, "ya"), scalar(&d, "yb"));
    assert_eq!((ya * g).compress().to_bytes(), array(&d, "Ya"));
    assert_eq!((yb * g).compress().to_bytes(), array(&d, "Yb"));
    for (own, theirs) in [(ya, "Yb"), (yb, "Ya")] {
        let k = shared_point(&own, &array(&d, theirs)).unwrap();
        assert_eq!(k.expose()[..], bytes(&d, "K"));
        let (ada, adb) = (bytes(&d, "ADa"), bytes(&d, "ADb"));
        let transcript = Transcript { sid: &sid, ya: &array(&d, "Ya"), ada: &ada, yb: &array(&d, "Yb"), adb: &adb };
        assert_eq!(transcript.isk(&k).expose()[..], bytes(&d, "ISK_IR"));
    }
}

#[test]
fn cpace_draft21_invalid_points() {
    let d = draft();
    let s = scalar(&d, "s");
    assert_eq!(shared_point(&s, &array(&d, "X")).unwrap().expose()[..], bytes(&d, "sX"));
    for invalid in d["invalid"].as_array().unwrap() {
        let point = unhex(invalid.as_str().unwrap()).try_into().unwrap();
        assert_eq!(shared_point(&s, &point).unwrap_err(), HandshakeFault::PakePoint);
    }
    // A negative field element, and one that is not below p.
    for first in [0x01, 0xed] {
        let mut point = [0xff; 32];
        (point[0], point[31]) = (first, 0x7f);
        assert_eq!(shared_point(&s, &point).unwrap_err(), HandshakeFault::PakePoint);
    }
}

#[test]
fn kat_tsp1_generator_and_isk() {
    let kat = crate::kat::vectors();
    let code = CodeSecret::new(Secret::new([0x0f, 0xa5, 0x3c, 0x71]), "4711", "rdv.example:443");
    let (sid, ci) = ([0x99; 32], code.channel_identifier());
    let g = generator(code.password(), &ci, &sid);
    assert_eq!(g.compress().to_bytes()[..], unhex(&kat["cpace_g"]));
    let (ya, yb) = (Scalar::from_bytes_mod_order([0xaa; 32]), Scalar::from_bytes_mod_order([0xbb; 32]));
    let (share_a, share_b) = ((ya * g).compress().to_bytes(), (yb * g).compress().to_bytes());
    let transcript = Transcript { sid: &sid, ya: &share_a, ada: &[1, 1, 1, 0x11], yb: &share_b, adb: &[2, 1, 1, 0] };
    let isk = transcript.isk(&shared_point(&ya, &share_b).unwrap());
    assert_eq!(isk.expose()[..], unhex(&kat["cpace_ISK"]));
}

#[test]
fn long_values_have_two_length_bytes() {
    let mut out = Vec::new();
    push_lv(&mut out, &[7; 128]);
    assert_eq!(out[..3], [0x80, 0x01, 7]);
    assert_eq!(out.len(), 130);
}
