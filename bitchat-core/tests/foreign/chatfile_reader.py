"""Reads .chat files by the text of spec/ alone, with nothing but Python's standard library.

Takes the path of spec/vectors/chatfile.json and checks every sound case: ids, announced infohashes
and links, and the normal form of the trackers in links.
"""

import base64
import hashlib
import ipaddress
import json
import re
import sys
import urllib.parse

DAY = 86_400_000
HOUR = 3_600_000


def prf(key, data):
    return hashlib.blake2s(data, key=key).digest()


def decode(data, at=0):
    """One bencoded value, with the raw span of each dictionary's values, and where it ends."""
    first = data[at : at + 1]
    if first == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if first == b"l":
        items, at = [], at + 1
        while data[at : at + 1] != b"e":
            item, at = decode(data, at)
            items.append(item)
        return items, at + 1
    if first == b"d":
        items, at = {}, at + 1
        while data[at : at + 1] != b"e":
            key, start = decode(data, at)
            item, at = decode(data, start)
            items[key] = (item, data[start:at])
        return items, at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1 : end], end


def announced(chan, key, rotate, now):
    if key is None:
        return [chan]
    root = prf(key, b"root" + chan + bytes(32))

    def of(day):
        return prf(root, b"infohash" + day.to_bytes(8, "little"))[:20]

    if not rotate:
        return [of(0)]
    if now is None:
        return None
    offset = int.from_bytes(prf(root, b"day offset")[:8], "little") % DAY
    day, into = divmod(now + offset, DAY)
    days = [day]
    if into < 3 * HOUR:
        days.append(day - 1)
    if into >= DAY - 3 * HOUR:
        days.append(day + 1)
    return [of(day) for day in days]


def read_join(text):
    """The flags, chan and key of a dotchat:join/ link whose check is right, and what follows."""
    payload = text.removeprefix("dotchat:join/").removeprefix("bitchat:join/").upper()
    data = base64.b32decode(payload + "=" * (-len(payload) % 8))
    body, check = data[:-3], data[-3:]
    assert hashlib.blake2s(b"bitchat-v1 join link" + body).digest()[:3] == check
    assert body[0] == 1
    return body[1], body[2:22], body[22:54], body[54:]


def strings(data):
    """The name, trackers and peers at the end of a link."""

    def one(at):
        end = at + 1 + data[at]
        return data[at + 1 : end], end

    name, at = one(0)
    lists = []
    for _ in range(2):
        count, at, items = data[at], at + 1, []
        for _ in range(count):
            item, at = one(at)
            items.append(item)
        lists.append(items)
    assert at == len(data)
    return name, *lists


def check(case):
    outer, _ = decode(bytes.fromhex(case["file"]))
    info, raw = outer[b"info"]
    chan = hashlib.sha256(raw).digest()[:20]
    assert chan.hex() == case["chan"]
    key = info[b"key"][0] if b"key" in info else None
    rotate = b"rotate" in info and info[b"rotate"][0] == 1
    for answer in case["infohashes"]:
        found = announced(chan, key, rotate, answer["at"])
        assert found == (answer["announced"] and [bytes.fromhex(h) for h in answer["announced"]])
    link = case["link"]
    if key is None:
        assert link.startswith("magnet:?xt=urn:btih:" + chan.hex())
        return
    flags, link_chan, link_key, rest = read_join(link)
    assert (flags, link_chan, link_key) == (int(rotate), chan, key)
    name, trackers, peers = strings(rest)
    assert name == info[b"name"][0]
    if b"announce" in outer:
        assert trackers[0] == outer[b"announce"][0]
        assert peers == [peer[-6:] for peer in outer[b"peers"][0]]


def normal(url):
    """The normal form of a tracker URL."""
    scheme, rest = url.split("://", 1)
    scheme = scheme.lower()
    end = min([at for at in map(rest.find, "/?") if at >= 0], default=len(rest))
    authority, path = rest[:end], rest[end:]
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        host, port = authority, ""
    if host.startswith("["):
        address = ipaddress.IPv6Address(host[1:-1])
        mapped = address.ipv4_mapped
        host = f"[::ffff:{mapped}]" if mapped else f"[{address.compressed}]"
    if port == {"http": "80", "https": "443"}.get(scheme):
        port = ""
    if not path.startswith("/") and (path or scheme != "udp"):
        path = "/" + path
    return f"{scheme}://{host.lower()}{port and ':' + port}{path}"


def check_link(case):
    read, trackers, peers = case["read"], [], []
    if case["link"].startswith(("dotchat:join/", "bitchat:join/")):
        _, chan, key, rest = read_join(case["link"])
        _, trackers, _ = strings(rest)
        trackers = [url.decode() for url in trackers]
        assert key.hex() == read["key"]
        assert trackers == [normal(url) for url in trackers]
    else:
        query = case["link"].removeprefix("magnet:?")
        for name, value in urllib.parse.parse_qsl(query, errors="replace"):
            name = re.sub(r"\.[0-9]+$", "", name)
            if name == "xt" and value.lower().startswith("urn:btih:"):
                chan = bytes.fromhex(value[len("urn:btih:") :])
            elif name == "tr":
                trackers.append(normal(value))
            elif name == "x.pe":
                peers.append(value)
    assert (chan.hex(), trackers, peers) == (read["chan"], read["trackers"], read["peers"])


with open(sys.argv[1], encoding="utf-8") as vectors:
    document = json.load(vectors)
for case in document["valid"]:
    check(case)
for case in document["valid_links"]:
    check_link(case)
for case in document["invalid_links"]:
    if case["error"] == "Malformed/trackers":
        [url] = strings(read_join(case["link"])[3])[1]
        assert normal(url.decode()) != url.decode(), case["name"]
print(len(document["valid"]))
