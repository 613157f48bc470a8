"""Nodes of the DHT that run libtorrent, each at an address of its own on loopback.

First it prints where they are, in one line. Then each line of the input is a command:
`announce HASH PORT` announces a hash at the first node; `find HASH` asks the last one for it and prints
the peers that were named, in one line.
"""

import sys
import time

import libtorrent as lt

SETTINGS = {
    "alert_mask": lt.alert.category_t.dht_notification | lt.alert.category_t.dht_operation_notification,
    "dht_bootstrap_nodes": "",
    "dht_ignore_dark_internet": False,
    "dht_restrict_routing_ips": False,
    "dht_restrict_search_ips": False,
    "enable_dht": True,
    "enable_lsd": False,
    "enable_natpmp": False,
    "enable_upnp": False,
}


def nodes(count):
    """Sessions that know each other."""
    sessions = []
    for number in range(count):
        address = f"127.0.{number + 11}.1"
        sessions.append((lt.session({**SETTINGS, "listen_interfaces": f"{address}:0"}), address))
    deadline = time.time() + 10
    while any(session.listen_port() == 0 for session, _ in sessions) and time.time() < deadline:
        time.sleep(0.05)
    for session, _ in sessions:
        for other, address in sessions:
            session.add_dht_node((address, other.listen_port()))
    return sessions


def find(session, infohash):
    """The peers that a look-up names within three seconds."""
    session.pop_alerts()
    session.dht_get_peers(lt.sha1_hash(bytes.fromhex(infohash)))
    found, end = set(), time.time() + 3
    while time.time() < end:
        for alert in session.pop_alerts():
            if isinstance(alert, lt.dht_get_peers_reply_alert):
                found.update(f"{ip}:{port}" for ip, port in alert.peers())
        time.sleep(0.05)
    return sorted(found)


def main():
    """Reads commands until the input ends."""
    sessions = nodes(5)
    print(" ".join(f"{address}:{session.listen_port()}" for session, address in sessions), flush=True)
    for line in sys.stdin:
        command, *words = line.split()
        if command == "announce":
            sessions[0][0].dht_announce(lt.sha1_hash(bytes.fromhex(words[0])), int(words[1]), 0)
            print("announced", flush=True)
        elif command == "find":
            print("found", *find(sessions[-1][0], words[0]), flush=True)


main()
