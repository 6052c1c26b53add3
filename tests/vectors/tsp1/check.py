#!/usr/bin/env python3
"""Computes the known answers of TSP1 (PROTOCOL, Appendix B) a second time, independently of the Rust code.

X25519 and AES-256-GCM are OpenSSL's (package `cryptography`), ML-KEM is kyber-py, Argon2id is the reference code.
Noise, HKDF, CPace, SFrame keys and ristretto255 are written out here, from their specifications.

    python check.py          # exit code 0 and a count, or the first value that differs
    python check.py -v       # one line a value
"""

import hashlib
import hmac
import json
import pathlib
import struct
import sys

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from kyber_py.ml_kem import ML_KEM_768

HERE = pathlib.Path(__file__).parent


# ---- PROTOCOL §1.1 ------------------------------------------------------------------------------------------------

def sha512(data):
    return hashlib.sha512(data).digest()


def mac(key, data):
    return hmac.new(key, data, hashlib.sha512).digest()


def extract(salt, ikm):
    """HKDF-Extract (RFC 5869); an absent salt is 64 zero bytes, which HMAC makes of an empty one."""
    return mac(salt, ikm)


def expand(prk, info, length):
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = mac(prk, block + info + bytes([counter]))
        out, counter = out + block, counter + 1
    return out[:length]


def label_of(text):
    full = b"TSP1 " + text.encode()
    return bytes([len(full)]) + full


def kdf(prk, label, context, length):
    return expand(prk, label_of(label) + struct.pack(">H", len(context)) + context + struct.pack(">H", length), length)


def tagged_hash(label, *parts):
    return sha512(label_of(label) + b"".join(struct.pack(">I", len(p)) + p for p in parts))


# ---- X25519 and Noise (revision 34) ---------------------------------------------------------------------------------

def public(secret):
    key = X25519PrivateKey.from_private_bytes(secret).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def dh(secret, peer):
    return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(peer))


class Symmetric:
    """Noise §5.2 with AES-256-GCM and SHA-512."""

    def __init__(self, name, prologue):
        raw = name.encode()
        self.h = raw.ljust(64, b"\0") if len(raw) <= 64 else sha512(raw)
        self.ck, self.key, self.counter = self.h, None, 0
        self.mix_hash(prologue)

    def mix_hash(self, data):
        self.h = sha512(self.h + data)

    def _hkdf(self, ikm, count):
        temp, outs = mac(self.ck, ikm), [b""]
        for index in range(count):
            outs.append(mac(temp, outs[-1] + bytes([index + 1])))
        return outs[1:]

    def mix_key(self, ikm):
        self.ck, key = self._hkdf(ikm, 2)
        self.key, self.counter = key[:32], 0

    def mix_key_and_hash(self, ikm):
        self.ck, extra, key = self._hkdf(ikm, 3)
        self.mix_hash(extra)
        self.key, self.counter = key[:32], 0

    def encrypt(self, plaintext):
        sealed = AESGCM(self.key).encrypt(bytes(4) + struct.pack(">Q", self.counter), plaintext, self.h)
        self.counter += 1
        self.mix_hash(sealed)
        return sealed

    def split(self):
        return [key[:32] for key in self._hkdf(b"", 2)]


class Handshake:
    """One run of XXpsk0+psk2 or KKpsk0+psk2 with known keys; both sides at once."""

    PATTERNS = {
        "XX": [["psk0", "e"], ["e", "ee", "s_r", "es", "psk2"], ["s_i", "se"]],
        "KK": [["psk0", "e", "es", "ss"], ["e", "ee", "se", "psk2"]],
    }

    def __init__(self, pattern, prologue, statics, ephemerals, psk0, psk2):
        self.sym = Symmetric(f"Noise_{pattern}psk0+psk2_25519_AESGCM_SHA512", prologue)
        self.i, self.r = statics
        self.ephemerals, self.psks = ephemerals, {"psk0": psk0, "psk2": psk2}
        self.tokens = list(self.PATTERNS[pattern])
        if pattern == "KK":
            self.sym.mix_hash(public(self.i))
            self.sym.mix_hash(public(self.r))
        self.number = 0

    def message(self, payload):
        out, (e_i, e_r) = b"", self.ephemerals
        for token in self.tokens[self.number]:
            if token == "e":
                e = public(self.ephemerals[self.number % 2])
                out += e
                self.sym.mix_hash(e)
                self.sym.mix_key(e)
            elif token in ("s_i", "s_r"):
                out += self.sym.encrypt(public(self.i if token == "s_i" else self.r))
            elif token in self.psks:
                self.sym.mix_key_and_hash(self.psks[token])
            else:
                first = {"e": e_i, "s": self.i}[token[0]]
                second = {"e": e_r, "s": self.r}[token[1]]
                self.sym.mix_key(dh(first, public(second)))
        self.number += 1
        return out + self.sym.encrypt(payload)


# ---- ristretto255 (RFC 9496) and CPace (draft 21) ---------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def negative(x):
    return x % P & 1


def sqrt_ratio(u, v):
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    correct, flipped, flipped_i = check == u % P, check == -u % P, check == -u * SQRT_M1 % P
    if flipped or flipped_i:
        r = r * SQRT_M1 % P
    if negative(r):
        r = -r % P
    return correct or flipped, r


A_MINUS_D_INVSQRT = sqrt_ratio(1, (-1 - D) % P)[1]
AD_MINUS_ONE_SQRT = P - sqrt_ratio((-D - 1) % P, 1)[1]  # RFC 9496 §4.1 takes the negative root


def edwards_add(a, b):
    x1, y1 = a
    x2, y2 = b
    k = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def edwards_mul(scalar, point):
    result = (0, 1)
    while scalar:
        if scalar & 1:
            result = edwards_add(result, point)
        point, scalar = edwards_add(point, point), scalar >> 1
    return result


def ristretto_encode(point):
    x0, y0 = point
    t0 = x0 * y0 % P
    u1, u2 = (1 + y0) * (1 - y0) % P, t0
    _, inv = sqrt_ratio(1, u1 * u2 * u2)
    den1, den2 = inv * u1 % P, inv * u2 % P
    z_inv = den1 * den2 * t0 % P
    if negative(t0 * z_inv):
        x, y, den = y0 * SQRT_M1 % P, x0 * SQRT_M1 % P, den1 * A_MINUS_D_INVSQRT % P
    else:
        x, y, den = x0, y0, den2
    if negative(x * z_inv):
        y = -y % P
    s = den * (1 - y) % P
    return (-s % P if negative(s) else s).to_bytes(32, "little")


def ristretto_decode(data):
    s = int.from_bytes(data, "little")
    if s >= P or negative(s):
        raise ValueError("not canonical")
    ss = s * s % P
    u1, u2 = (1 - ss) % P, (1 + ss) % P
    v = (-(D * u1 * u1) - u2 * u2) % P
    was_square, inv = sqrt_ratio(1, v * u2 * u2)
    den_x = inv * u2 % P
    den_y = inv * den_x * v % P
    x = 2 * s * den_x % P
    x = -x % P if negative(x) else x
    y = u1 * den_y % P
    if not was_square or negative(x * y) or y == 0:
        raise ValueError("not a group element")
    return x, y


def ristretto_map(half):
    t = int.from_bytes(half, "little") % 2**255
    r = SQRT_M1 * t * t % P
    u = (r + 1) * (1 - D * D) % P
    v = (-1 - r * D) * (r + D) % P
    was_square, s = sqrt_ratio(u, v)
    if was_square:
        c = P - 1
    else:
        s = s * t % P
        s = s if negative(s) else -s % P
        c = r
    n = (c * (r - 1) * (D - 1) ** 2 - v) % P
    w0, w1 = 2 * s * v % P, n * AD_MINUS_ONE_SQRT % P
    w2, w3 = (1 - s * s) % P, (1 + s * s) % P
    return w0 * pow(w1, -1, P) % P, w2 * pow(w3, -1, P) % P


def ristretto_from_hash(data):
    return edwards_add(ristretto_map(data[:32]), ristretto_map(data[32:]))


def lv(*parts):
    out = b""
    for part in parts:
        length = len(part)
        while True:
            low, length = length & 0x7F, length >> 7
            out += bytes([low | 0x80 if length else low])
            if not length:
                break
        out += part
    return out


DSI = b"CPaceRistretto255"


def cpace_generator(prs, ci, sid):
    pad = max(0, 127 - len(lv(prs)) - len(lv(DSI)))
    return ristretto_from_hash(sha512(lv(DSI, prs, bytes(pad), ci, sid)))


def cpace_isk(sid, k, ya, ada, yb, adb):
    return sha512(lv(DSI + b"_ISK", sid, k, ya, ada, yb, adb))


# ---- the check --------------------------------------------------------------------------------------------------------

def load(name):
    return (HERE / name).read_text().splitlines()


class Report:
    def __init__(self):
        self.known = dict(line.split(" ", 1) for line in load("vectors.txt") if not line.startswith(" "))
        self.nested, base = {}, ""
        for line in load("vectors.txt"):
            if line.startswith("base "):
                base, value = line.rsplit(" ", 1)
                self.nested[base] = {"base": value}
            elif line.startswith("  "):
                name, value = line.split()
                self.nested[base][name] = value
        self.extra = [line.strip() for line in load("extra_vectors.txt")]
        self.count = 0

    def same(self, name, expected, value):
        value = value.hex() if isinstance(value, bytes) else value
        if expected != value:
            sys.exit(f"{name}: the file has {expected}, computed {value}")
        self.count += 1
        if "-v" in sys.argv:
            print("ok", name)

    def check(self, name, value):
        self.same(name, self.known[name].strip(), value)

    def check_extra(self, start, value):
        line = next(line for line in self.extra if line.startswith(start))
        self.same(start, line[len(start):].split(" ")[-1], value)


def tlv(tag, value):
    return struct.pack(">BH", tag, len(value)) + value


def address(key, slot):
    return kdf(extract(b"TSP1 rdv", key), "mailbox", struct.pack(">Q", slot), 32)


def prologue(purpose, place, context):
    return b"TSP1" + bytes([purpose, 1, 0x11, 1]) + place + struct.pack(">H", len(context)) + context


def sframe_keys(base, kid):
    prk = extract(b"", base)
    suffix = struct.pack(">QH", kid, 5)
    return expand(prk, b"SFrame 1.0 Secret key " + suffix, 32), expand(prk, b"SFrame 1.0 Secret salt " + suffix, 12)


def fingerprint(key):
    digest = tagged_hash("fingerprint", b"\0\1", key)
    for _ in range(5199):
        digest = sha512(digest + key)
    return digest


def digits(digest):
    return " ".join("%05d" % (int.from_bytes(digest[5 * i:5 * i + 5], "big") % 100000) for i in range(6))


def invite_values(r, pk_r):
    idhash = tagged_hash("idhash", pk_r)[:20]
    r.check("idhash_r", idhash)
    secret, url = bytes(range(32)), b"wss://rdv.example/v1"
    invite = b"\x01\x11" + struct.pack(">I", 29000000) + idhash + secret + bytes([len(url)]) + url
    invite += tagged_hash("invite check", invite)[:4]
    r.check("invite", invite)
    prk = extract(b"TSP1 invite", secret)
    psk0, key = kdf(prk, "psk", b"", 32), kdf(prk, "rdv", b"", 32)
    r.check("inv_psk0", psk0)
    r.check("inv_K_rdv", key)
    place = address(key, 485000)
    r.check("inv_addr_slot485000", place)
    pro = prologue(1, place, tagged_hash("invite ctx", invite)[:32])
    r.check("prologue_xx", pro)
    return psk0, pro


def session_values(r, tag, handshake, continuity):
    (k1, k2), h = handshake.sym.split(), handshake.sym.h
    r.check(f"{tag}_h", h)
    r.check(f"{tag}_k1", k1)
    if tag == "xx":
        r.check("xx_k2", k2)
    root = extract(h, k1 + k2)
    r.check(f"{tag}_hs_root", root)
    sig = [kdf(root, "sig key", bytes([d]), 32) for d in (0, 1)]
    r.check(f"{tag}_sig_i2r", sig[0])
    r.check(f"{tag}_sig_r2i", sig[1])
    epoch = kdf(root, "session", continuity + h, 64)
    r.check(f"{tag}_epoch_root0", epoch)
    r.check(f"{tag}_cont", kdf(epoch, "continuity", b"", 32))
    return h, root, sig, epoch


def sframe_values(r, epoch_root):
    for name, values in r.nested.items():
        e, d, t = (int(part[1:]) for part in name.split()[1:4])
        kid = int(name.split("kid")[1], 16)
        base = kdf(epoch_root, "sframe base", struct.pack(">IBB", e, d, t), 64)
        r.same(f"{name} base", values["base"], base)
        key, salt = sframe_keys(base, kid)
        r.same(f"{name} key", values["sframe_key"], key)
        r.same(f"{name} salt", values["sframe_salt"], salt)
        step1 = expand(extract(b"", base), b"SFrame 1.0 Ratchet", 64)
        r.same(f"{name} step 1", values["base_step1"], step1)
        r.same(f"{name} step 1 key", values["sframe_key_step1"], sframe_keys(step1, kid + 1)[0])


def audio_packet(epoch_root):
    """PROTOCOL §7.3: 80 bytes 'a', KID 0, CTR 5; padded so that header, ciphertext and tag have 80 + 24 bytes."""
    base = kdf(epoch_root, "sframe base", struct.pack(">IBB", 0, 0, 0), 64)
    key, salt = sframe_keys(base, 0)
    header = bytes([5])
    plaintext = (struct.pack(">H", 80) + b"a" * 80).ljust(80 + 24 - len(header) - 16, b"\0")
    metadata = bytes([0, 1]) + struct.pack(">I", 960) + bytes([111])
    nonce = (int.from_bytes(salt, "big") ^ 5).to_bytes(12, "big")
    return header + AESGCM(key).encrypt(nonce, plaintext, header + metadata)


def cpace_values(r):
    prs, sid = bytes.fromhex("0fa53c71"), b"\x99" * 32
    ci = b"\0".join([b"TSP1 pair", b"4711", b"rdv.example:443"])
    g = cpace_generator(prs, ci, sid)
    r.check("cpace_g", ristretto_encode(g))
    a, b = (int.from_bytes(bytes([x]) * 32, "little") % L for x in (0xAA, 0xBB))
    ya, yb = ristretto_encode(edwards_mul(a, g)), ristretto_encode(edwards_mul(b, g))
    r.check("cpace_Ya", ya)
    r.check("cpace_Yb", yb)
    k = ristretto_encode(edwards_mul(a, ristretto_decode(yb)))
    if k != ristretto_encode(edwards_mul(b, ristretto_decode(ya))):
        sys.exit("CPace: the two sides differ")
    isk = cpace_isk(sid, k, ya, bytes.fromhex("01010111"), yb, bytes.fromhex("02010100"))
    r.check("cpace_ISK", isk)
    r.check("cpace_psk0", kdf(extract(b"TSP1 cpace", isk), "psk", b"", 32))
    r.check_extra("cpace ctx (appendix B inputs) ", tagged_hash("cpace ctx", sid, ci, ya, yb)[:32])


def cpace_draft_values(r):
    draft = json.loads((HERE.parent / "cpace" / "draft21_ristretto255.json").read_text())
    of = lambda name: bytes.fromhex(draft[name])
    g = cpace_generator(of("PRS"), of("CI"), of("sid"))
    r.same("draft g", draft["g"], ristretto_encode(g))
    a, b, s = (int.from_bytes(of(name), "little") for name in ("ya", "yb", "s"))
    r.same("draft Ya", draft["Ya"], ristretto_encode(edwards_mul(a, g)))
    r.same("draft Yb", draft["Yb"], ristretto_encode(edwards_mul(b, g)))
    k = ristretto_encode(edwards_mul(a, ristretto_decode(of("Yb"))))
    r.same("draft K", draft["K"], k)
    r.same("draft ISK", draft["ISK_IR"], cpace_isk(of("sid"), k, of("Ya"), of("ADa"), of("Yb"), of("ADb")))
    r.same("draft s*X", draft["sX"], ristretto_encode(edwards_mul(s, ristretto_decode(of("X")))))


def vault_values(r):
    passphrase, salt = b"correct horse battery staple", b"\x5a" * 32
    stretched = hash_secret_raw(passphrase, salt, 3, 65536, 4, 32, Type.ID)
    r.check("argon2id_64MiB_t3_p4", stretched)
    r.check("vault_kek", kdf(extract(salt, stretched + bytes(32)), "vault kek", b"", 32))
    write = extract(b"\x6b" * 32, b"\x7c" * 32)
    r.check("vault_write_key", kdf(write, "vault write", b"", 32))
    r.check("vault_write_nonce", kdf(write, "vault nonce", b"", 12))


def sig_cell(key):
    """The first SIG cell: POLICY of five zero bytes, msg_id 0."""
    head, seq = b"\x20\x01\x01\x00", bytes(8)
    data = bytes(5)
    pt = (struct.pack(">BHBBH", 3, 0, 0, 1, len(data)) + data).ljust(4068, b"\0")
    return head + seq + AESGCM(key).encrypt(bytes(12), pt, head + seq)


def main():
    r = Report()
    s_i, s_r, e_i, e_r = (bytes([x]) * 32 for x in (0x11, 0x22, 0x33, 0x44))
    n_i, n_r = b"\x77" * 32, b"\x88" * 32
    pk_i, pk_r = public(s_i), public(s_r)
    r.check("pk_i", pk_i)
    r.check("pk_r", pk_r)
    psk0, pro = invite_values(r, pk_r)

    ek, dk = ML_KEM_768.key_derive(b"\x55" * 64)
    shared, ct = ML_KEM_768._encaps_internal(ek, b"\x66" * 32)
    if ML_KEM_768.decaps(dk, ct) != shared:
        sys.exit("ML-KEM: the two sides differ")
    psk2 = kdf(extract(b"TSP1 mlkem768", shared), "psk2", tagged_hash("ek", ek)[:32] + tagged_hash("ct", ct)[:32], 32)
    commit = tagged_hash("commit", n_i, pk_i)[:32]
    r.check("commit", commit)
    vrange = tlv(3, b"\1\1")
    payload1 = ek + (tlv(1, commit) + vrange).ljust(4044 - 1184, b"\0")
    payload2 = tlv(0x11, n_r) + vrange
    payload3 = (tlv(0x12, n_i) + vrange).ljust(4028, b"\0")

    xx = Handshake("XX", pro, (s_i, s_r), (e_i, e_r), psk0, psk2)
    frames = [xx.message(payload1), ct + xx.message(payload2.ljust(2908, b"\0"))]
    h2 = xx.sym.h
    r.check("xx_h2", h2)
    frames.append(xx.message(payload3))
    r.check("xx_frames", str([len(frame) for frame in frames]))
    for number, frame in enumerate(frames, 1):
        r.check(f"xx_frame{number}_sha", tagged_hash("kat", frame)[:16])
    h, root, sig, epoch = session_values(r, "xx", xx, bytes(32))
    sas = tagged_hash("sas", n_i, n_r, h2, pk_i, pk_r)
    r.check("sas_seed", sas[:16])
    r.check("sas_words_idx", f"{list(sas[:4])} sas_digits {int.from_bytes(sas[8:16], 'big') % 10**8:08d}")
    k_psk, k_rdv = kdf(root, "contact psk", b"", 32), kdf(root, "contact rdv", b"", 32)
    r.check("K_psk", k_psk)
    r.check("K_rdv", k_rdv)
    place = address(k_rdv, 485000)
    r.check("contact_addr_slot485000", place)
    r.check_extra("xx session_id ", tagged_hash("session id", h)[:16])
    xx_resume = kdf(epoch, "resume", b"", 32)
    r.check_extra("xx resume_key ", xx_resume)
    cell = sig_cell(sig[0])
    r.check_extra("xx SIG I->R seq 0, ", cell[:28])
    r.check_extra("H(kat; cell)[0:16] ", tagged_hash("kat", cell)[:16])
    continuity = kdf(epoch, "continuity", b"", 32)

    kk = Handshake("KK", prologue(3, place, b""), (s_i, s_r), (e_i, e_r), k_psk, psk2)
    frames = [kk.message(payload1), ct + kk.message(payload2.ljust(2956, b"\0"))]
    r.check("kk_frames", str([len(frame) for frame in frames]))
    r.check("kk_h2", kk.sym.h)
    h, root, sig, epoch = session_values(r, "kk", kk, continuity)
    for number, name in enumerate(["kk_cont_tag_i", "kk_cont_tag_r"]):
        r.check(name, kdf(root, "cont tag", bytes([number]) + continuity, 16))
    r.check_extra("kk resume_key ", kdf(epoch, "resume", b"", 32))
    for d in (0, 1):
        start = "kk rtag d=0 (old = xx resume_key) " if d == 0 else "kk rtag d=1 "
        r.check_extra(start, kdf(root, "resume tag", bytes([d]) + xx_resume, 16))
    r.check_extra("kk sas[0:20] ", tagged_hash("sas", n_i, n_r, kk.sym.h, pk_i, pk_r)[:20])
    tx0 = tagged_hash("tx0", h)
    r.check_extra("tx0 ", tx0)
    r.check_extra("audio RTP payload: ", audio_packet(epoch))

    device = extract(b"TSP1 side", b"\xaa" * 32)
    r.check_extra("owner (device_secret aa*32, contact addr, side 0) ", kdf(device, "owner", place + b"\0", 16))
    r.check_extra("owner side 1 ", kdf(device, "owner", place + b"\1", 16))
    rekey = prologue(4, bytes(32), struct.pack(">I", 1) + h[:32])
    r.check_extra("rekey prologue epoch 1 (vr 0x11, version 1) ", rekey)
    state = Symmetric("Noise_KKpsk0+psk2_25519_AESGCM_SHA512", rekey)
    state.mix_hash(pk_i)
    state.mix_hash(pk_r)
    r.check_extra("rekey Noise h after prologue and statics ", state.h)
    r.check("rekey_psk0_epoch1", kdf(epoch, "rekey psk", struct.pack(">I", 1) + h[:32], 32))
    # This vector is of the hash alone: it takes the three bytes for a record.
    r.check_extra("tx after one record 'abc' ", tagged_hash("tx", tx0, b"abc"))

    sframe_values(r, epoch)
    r.check("fp_i", fingerprint(pk_i))
    r.check("digits_i", digits(fingerprint(pk_i)))
    r.check("digits_r", digits(fingerprint(pk_r)))
    r.check("fpwords_i", str(list(fingerprint(pk_i)[32:44])))
    cpace_values(r)
    cpace_draft_values(r)
    vault_values(r)
    print(f"{r.count} values agree")


if __name__ == "__main__":
    main()
