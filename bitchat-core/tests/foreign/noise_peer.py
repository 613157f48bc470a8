"""A Noise peer made of the Python package noiseprotocol, for foreign_noiseprotocol.rs.

usage: noise_peer.py ROLE PROTOCOL PROLOGUE PSKS STATIC REMOTE

ROLE is initiator or responder; PSKS are separated by commas; REMOTE is the peer's static public key
or '-'; all values but the names are hex. Handshake messages go out and come in as lines of hex, each
one that came in is answered by a line 'payload HEX'. Then comes 'hash HEX', and every further line is
decrypted and answered by its reverse, encrypted.
"""

import sys

from noise.connection import Keypair, NoiseConnection


def read_line():
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return bytes.fromhex(line)


def write_line(*words):
    print(*words, flush=True)


def main():
    role, protocol, prologue, psks, static, remote = sys.argv[1:]
    noise = NoiseConnection.from_name(protocol.encode())
    noise.set_prologue(bytes.fromhex(prologue))
    noise.set_psks(psks=[bytes.fromhex(psk) for psk in psks.split(",")])
    noise.set_keypair_from_private_bytes(Keypair.STATIC, bytes.fromhex(static))
    if remote != "-":
        noise.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, bytes.fromhex(remote))
    if role == "initiator":
        noise.set_as_initiator()
    else:
        noise.set_as_responder()
    noise.start_handshake()

    our_turn = role == "initiator"
    while not noise.handshake_finished:
        if our_turn:
            write_line(noise.write_message(b"from python").hex())
        else:
            write_line("payload", noise.read_message(read_line()).hex())
        our_turn = not our_turn
    write_line("hash", noise.get_handshake_hash().hex())

    while True:
        write_line(noise.encrypt(bytes(noise.decrypt(read_line()))[::-1]).hex())


main()
