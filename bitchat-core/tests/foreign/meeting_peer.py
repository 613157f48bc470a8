"""Checks the vectors of chapters 3 to 6 with Python's hashlib and the package `cryptography`,
written from the specification alone. Usage: meeting_peer.py <directory of the vectors>."""

import base64
import hashlib
import hmac
import json
import pathlib
import sys

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

DAY = 86_400_000
unhex = bytes.fromhex


def blake(data, key=b"", size=32):
    return hashlib.blake2s(data, key=key, digest_size=size).digest()


def raw(public):
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def u64(number):
    return number.to_bytes(8, "little")


def chacha20(key, nonce, data):
    cipher = Cipher(algorithms.ChaCha20(key, bytes(4) + nonce), mode=None)
    return cipher.encryptor().update(data)


def siphash24(key, data):
    mask = (1 << 64) - 1
    rotate = lambda x, n: (x << n | x >> (64 - n)) & mask
    k0, k1 = (int.from_bytes(key[at : at + 8], "little") for at in (0, 8))
    a, b = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D
    c, d = k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573

    def rounds(count, a, b, c, d):
        for _ in range(count):
            a = a + b & mask
            b = rotate(b, 13) ^ a
            a = rotate(a, 32)
            c = c + d & mask
            d = rotate(d, 16) ^ c
            a = a + d & mask
            d = rotate(d, 21) ^ a
            c = c + b & mask
            b = rotate(b, 17) ^ c
            c = rotate(c, 32)
        return a, b, c, d

    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 255])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        a, b, c, d = rounds(2, a, b, c, d ^ word)
        a ^= word
    a, b, c, d = rounds(4, a, b, c ^ 255, d)
    return u64(a ^ b ^ c ^ d)


def channel_keys(key, chan, epoch):
    root = blake(b"root" + chan + epoch, key)
    derived = {name: blake(name.encode(), root) for name in ("psk", "mac", "mask")}
    derived["infohash"] = blake(b"infohash" + u64(0), root)[:20]
    derived["infohash_of_day_20000"] = blake(b"infohash" + u64(20_000), root)[:20]
    return derived


def check_keys(vectors):
    for case in vectors["keys"]:
        derived = channel_keys(unhex(case["key"]), unhex(case["chan"]), unhex(case["epoch"]))
        for name, value in derived.items():
            assert value.hex() == case[name], name
    for case in vectors["public"]:
        assert blake(b"open" + unhex(case["chan"])).hex() == case["key"]


def certificate_verdict(data, now):
    if len(data) != 161 or data[0] != 1:
        return "malformed"
    start, end = (int.from_bytes(data[at : at + 8], "little") for at in (81, 89))
    if not 0 < end - start <= 90 * DAY:
        return "Lifetime"
    if now < start - DAY:
        return "NotYetValid"
    if now > end + DAY:
        return "Expired"
    try:
        Ed25519PublicKey.from_public_bytes(data[49:81]).verify(
            data[97:], b"bitchat-v1 cert" + data[:97]
        )
    except InvalidSignature:
        return "Signature"
    return "valid"


def base32(data):
    return base64.b32encode(data).decode().lower().rstrip("=")


def link_verdict(link):
    scheme, text = link[:13], link[13:]
    if scheme.lower() not in ("dotchat:peer/", "bitchat:peer/"):
        return "Scheme"
    if len(text) != 56:
        return f"Length({len(text)})"
    if set(text.lower()) - set("abcdefghijklmnopqrstuvwxyz234567"):
        return "Character"
    data = base64.b32decode(text.upper())
    matches = blake(b"bitchat-v1 peer link" + data[:32])[:3] == data[32:]
    return data[:32].hex() if matches else "Checksum"


def check_identity(vectors):
    identity = vectors["identity"]
    key = Ed25519PrivateKey.from_private_bytes(unhex(identity["secret"]))
    peer = raw(key.public_key())
    assert peer.hex() == identity["peer_id"]
    check = blake(b"bitchat-v1 peer link" + peer)[:3]
    assert identity["link"] == "dotchat:peer/" + base32(peer + check)
    short = base32(blake(b"bitchat-v1 fingerprint" + peer)[:10])
    assert identity["fingerprint"] == "-".join(short[at : at + 4] for at in range(0, 16, 4))
    for case in vectors["links"]:
        assert link_verdict(case["link"]) == case["verdict"], case
    given = vectors["certificate"]
    static = X25519PrivateKey.from_private_bytes(unhex(given["static_secret"])).public_key()
    signed = bytes([1]) + unhex(given["device"]) + raw(static) + peer
    signed += u64(given["not_before"]) + u64(given["not_after"])
    assert (signed + key.sign(b"bitchat-v1 cert" + signed)).hex() == given["bytes"]
    for case in vectors["checks"]:
        verdict = certificate_verdict(unhex(case["bytes"]), case["now"])
        assert case["verdict"].lower().startswith(verdict.lower()), case


def envelope_opens(keys, datagram, day):
    nonce, mac, masked = datagram[:16], datagram[16:32], datagram[32:]
    digest = blake(nonce + masked)
    days = (day - 1, day, day + 1)
    return bool(masked) and mac in [blake(u64(day) + digest, keys["mac"], 16) for day in days]


def envelope_body(keys, datagram):
    return chacha20(keys["mask"], datagram[:12], datagram[32:])


def check_probe(vectors):
    keys = {name: unhex(value) for name, value in vectors["keys"].items()}
    for case in vectors["valid"]:
        datagram = unhex(case["datagram"])
        assert envelope_opens(keys, datagram, case["day"])
        assert envelope_body(keys, datagram).hex() == case["body"]
    for case in vectors["judged"]:
        assert envelope_opens(keys, unhex(case["datagram"]), case["day"]) == case["opens"]


class Noise:
    """Noise_XXpsk0+psk3_25519_ChaChaPoly_BLAKE2s, both sides at once."""

    def __init__(self, prologue):
        name = b"Noise_XXpsk0+psk3_25519_ChaChaPoly_BLAKE2s"
        self.h = self.ck = blake(name)
        self.k, self.n = None, 0
        self.mix_hash(prologue)

    def hkdf(self, data, outputs):
        sign = lambda key, text: hmac.new(key, text, hashlib.blake2s).digest()
        temp, last, found = sign(self.ck, data), b"", []
        for number in range(outputs):
            last = sign(temp, last + bytes([number + 1]))
            found.append(last)
        return found

    def mix_hash(self, data):
        self.h = blake(self.h + data)

    def mix_key(self, data):
        self.ck, self.k = self.hkdf(data, 2)
        self.n = 0

    def mix_psk(self, psk):
        self.ck, mixed, self.k = self.hkdf(psk, 3)
        self.mix_hash(mixed)
        self.n = 0

    def ephemeral(self, public):
        self.mix_hash(public)
        self.mix_key(public)
        return public

    def seal(self, plaintext):
        sealed = ChaCha20Poly1305(self.k).encrypt(bytes(4) + u64(self.n), plaintext, self.h)
        self.n += 1
        self.mix_hash(sealed)
        return sealed


def check_handshake(vector):
    def side(name):
        given = vector[name]
        keys = [
            X25519PrivateKey.from_private_bytes(unhex(given[f"{kind}_secret"]))
            for kind in ("static", "ephemeral")
        ]
        hello = unhex(given["certificate"]) + u64(given["features"]) + unhex(given["boot"])
        return *keys, unhex(given["connection_id"]), hello

    static_i, ephemeral_i, cid_i, hello_i = side("initiator")
    static_r, ephemeral_r, cid_r, hello_r = side("responder")
    public = lambda key: raw(key.public_key())
    dh = lambda one, other: one.exchange(X25519PublicKey.from_public_bytes(public(other)))
    channel = {name: unhex(value) for name, value in vector["channel"].items()}
    keys = channel_keys(channel["key"], channel["chan"], channel["epoch"])
    noise = Noise(b"bitchat-v1" + bytes([1]) + channel["chan"] + channel["epoch"])

    noise.mix_psk(keys["psk"])
    hs1 = b"\x13" + unhex(vector["cookie"]) + noise.ephemeral(public(ephemeral_i))
    hs1 += noise.seal(cid_i)
    hs2 = b"\x14" + cid_i + noise.ephemeral(public(ephemeral_r))
    noise.mix_key(dh(ephemeral_i, ephemeral_r))
    hs2 += noise.seal(public(static_r))
    noise.mix_key(dh(ephemeral_i, static_r))
    hs2 += noise.seal(cid_r + hello_r)
    hs3 = b"\x15" + cid_r + noise.seal(public(static_i))
    noise.mix_key(dh(static_i, ephemeral_r))
    noise.mix_psk(unhex(vector["psk3"]))
    hs3 += noise.seal(hello_i)

    assert [len(fields) for fields in (hs1, hs2, hs3)] == [73, 298, 258]
    for name, fields in (("hs1", hs1), ("hs2", hs2), ("hs3", hs3)):
        datagram = unhex(vector[name]["datagram"])
        assert envelope_opens(keys, datagram, vector["day"]), name
        assert envelope_body(keys, datagram).startswith(fields), name
    assert noise.h.hex() == vector["handshake_hash"]
    export = lambda label: blake(b"bitchat-v1 export " + label, noise.ck)
    i2r, r2i = noise.hkdf(b"", 2)
    secrets = {
        "i2r": i2r,
        "r2i": r2i,
        "mask_i2r": export(b"mask i2r"),
        "mask_r2i": export(b"mask r2i"),
        "exporter": export(b"exporter"),
    }
    assert {name: value.hex() for name, value in secrets.items()} == vector["secrets"]


def open_packet(case):
    packet = bytearray(unhex(case["packet"]))
    if len(packet) < 27:
        return "Short"
    mask = siphash24(unhex(case["mask_key"])[:16], bytes(packet[-16:]))
    packet[8] ^= mask[0]
    if packet[8] >> 4:
        return "Reserved"
    length = (packet[8] & 3) + 1
    if len(packet) < 26 + length:
        return "Short"
    for at in range(length):
        packet[9 + at] ^= mask[1 + at]
    received = case["largest_received"]
    expected = 0 if received is None else received + 1
    window = 1 << 8 * length
    low = int.from_bytes(packet[9 : 9 + length], "little")
    near = (expected & ~(window - 1) | low) + window
    number = min((n for n in (near - 2 * window, near - window, near) if n >= 0),
                 key=lambda n: abs(n - expected))
    header = bytes(packet[: 9 + length])
    try:
        payload = ChaCha20Poly1305(unhex(case["packet_key"])).decrypt(
            bytes(4) + u64(number), bytes(packet[9 + length :]), header
        )
    except InvalidTag:
        return "Auth"
    return number, packet[8] >> 2, payload.hex()


def check_packet(vectors):
    for case in vectors["valid"]:
        assert open_packet(case) == (case["number"], case["rekey"] % 4, case["payload"]), case
    for case in vectors["invalid"]:
        assert open_packet(case) == case["error"], case


def main():
    folder = pathlib.Path(sys.argv[1])
    load = lambda name: json.loads((folder / f"{name}.json").read_text())
    check_keys(load("keys"))
    check_identity(load("identity"))
    check_probe(load("probe"))
    for vector in load("handshake").values():
        check_handshake(vector)
    check_packet(load("packet"))
    print("all agree")


main()
