"""Reads and writes bencoding and magnet links with libtorrent, line by line.

Each line of the input is a command and an argument in hex; each answer is one line of hex words.
"""

import sys
import warnings

import libtorrent

warnings.simplefilter("ignore")


def again(data):
    """Decodes and encodes."""
    return [libtorrent.bencode(libtorrent.bdecode(data))]


def magnet(data):
    """The hash, name and trackers of a magnet link."""
    params = libtorrent.parse_magnet_uri(data.decode())
    words = [bytes.fromhex(str(params.info_hashes.v1)), params.name.encode()]
    return words + [tracker.encode() for tracker in params.trackers]


def torrent(data):
    """A .torrent file for one file of this content, and its info dictionary."""
    piece = 16 * 1024
    storage = libtorrent.file_storage()
    storage.add_file("a file.bin", len(data))
    maker = libtorrent.create_torrent(storage, piece, libtorrent.create_torrent.v1_only)
    maker.add_tracker("http://a.example/announce", 0)
    maker.add_tracker("udp://b.example:6969", 1)
    maker.add_node("dht.example", 6881)
    maker.set_comment("a comment")
    for index in range(maker.num_pieces()):
        maker.set_hash(index, bytes([1 + index % 255]) * 20)
    file = libtorrent.bencode(maker.generate())
    return [file, libtorrent.torrent_info(file).info_section()]


COMMANDS = {"again": again, "magnet": magnet, "torrent": torrent}

for line in sys.stdin:
    command, _, argument = line.strip().partition(" ")
    words = COMMANDS[command](bytes.fromhex(argument))
    print(" ".join(word.hex() or "-" for word in words), flush=True)
