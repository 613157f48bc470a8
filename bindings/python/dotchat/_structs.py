"""The structs of the interface. Generated from include/bitchat.h by generate.py; do not edit."""

from __future__ import annotations

import ctypes
from typing import Optional


class bitchat_error(ctypes.Structure):
    struct_size: int
    text: bytes
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("text", ctypes.c_char * 256),
    ]


class bitchat_draft(ctypes.Structure):
    struct_size: int
    name: Optional[int]
    trackers: Optional[int]
    tracker_count: int
    comment: Optional[int]
    access: int
    history: int
    history_amount: int
    rotate: int
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("name", ctypes.c_void_p),
        ("trackers", ctypes.c_void_p),
        ("tracker_count", ctypes.c_size_t),
        ("comment", ctypes.c_void_p),
        ("access", ctypes.c_int32),
        ("history", ctypes.c_int32),
        ("history_amount", ctypes.c_uint32),
        ("rotate", ctypes.c_uint32),
    ]


class bitchat_limits(ctypes.Structure):
    struct_size: int
    chat_file_bytes: int
    channels: int
    links: int
    handshakes: int
    resumptions: int
    probe_nonces: int
    candidates: int
    datagram_bytes: int
    receive_window: int
    send_buffer: int
    streams: int
    reassembly_gaps: int
    message_bytes: int
    text_bytes: int
    log_entries: int
    log_bytes: int
    authors: int
    waiting_entries: int
    events: int
    log_records: int
    queued_datagrams: int
    persist_bytes: int
    peers_per_source: int
    tracker_reply_bytes: int
    trackers: int
    nodes: int
    file_peers: int
    name_bytes: int
    comment_bytes: int
    link_bytes: int
    link_growth: int
    links_growth: int
    dht_hashes: int
    dht_peers: int
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("chat_file_bytes", ctypes.c_uint64),
        ("channels", ctypes.c_uint64),
        ("links", ctypes.c_uint64),
        ("handshakes", ctypes.c_uint64),
        ("resumptions", ctypes.c_uint64),
        ("probe_nonces", ctypes.c_uint64),
        ("candidates", ctypes.c_uint64),
        ("datagram_bytes", ctypes.c_uint64),
        ("receive_window", ctypes.c_uint64),
        ("send_buffer", ctypes.c_uint64),
        ("streams", ctypes.c_uint64),
        ("reassembly_gaps", ctypes.c_uint64),
        ("message_bytes", ctypes.c_uint64),
        ("text_bytes", ctypes.c_uint64),
        ("log_entries", ctypes.c_uint64),
        ("log_bytes", ctypes.c_uint64),
        ("authors", ctypes.c_uint64),
        ("waiting_entries", ctypes.c_uint64),
        ("events", ctypes.c_uint64),
        ("log_records", ctypes.c_uint64),
        ("queued_datagrams", ctypes.c_uint64),
        ("persist_bytes", ctypes.c_uint64),
        ("peers_per_source", ctypes.c_uint64),
        ("tracker_reply_bytes", ctypes.c_uint64),
        ("trackers", ctypes.c_uint64),
        ("nodes", ctypes.c_uint64),
        ("file_peers", ctypes.c_uint64),
        ("name_bytes", ctypes.c_uint64),
        ("comment_bytes", ctypes.c_uint64),
        ("link_bytes", ctypes.c_uint64),
        ("link_growth", ctypes.c_uint64),
        ("links_growth", ctypes.c_uint64),
        ("dht_hashes", ctypes.c_uint64),
        ("dht_peers", ctypes.c_uint64),
    ]


class bitchat_config(ctypes.Structure):
    struct_size: int
    rekey_interval_ms: int
    keepalive_ms: int
    idle_timeout_ms: int
    port: int
    ipv4: int
    ipv6: int
    local_trackers: int
    store: int
    crypto: int
    insecure_key_log: int
    log: int
    qlog: int
    clock: int
    dht: int
    reserved_2: ctypes.Array[ctypes.c_uint8]
    limits: Optional[int]
    dht_routers: Optional[int]
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("rekey_interval_ms", ctypes.c_uint64),
        ("keepalive_ms", ctypes.c_uint64),
        ("idle_timeout_ms", ctypes.c_uint64),
        ("port", ctypes.c_uint16),
        ("ipv4", ctypes.c_uint8),
        ("ipv6", ctypes.c_uint8),
        ("local_trackers", ctypes.c_uint8),
        ("store", ctypes.c_uint8),
        ("crypto", ctypes.c_uint8),
        ("insecure_key_log", ctypes.c_uint8),
        ("log", ctypes.c_int32),
        ("qlog", ctypes.c_uint8),
        ("clock", ctypes.c_uint8),
        ("dht", ctypes.c_uint8),
        ("reserved_2", ctypes.c_uint8 * 1),
        ("limits", ctypes.c_void_p),
        ("dht_routers", ctypes.c_void_p),
    ]


class bitchat_change(ctypes.Structure):
    struct_size: int
    kind: int
    secret: int
    key: Optional[int]
    key_len: int
    value: Optional[int]
    value_len: int
    expires_ms: int
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("kind", ctypes.c_int32),
        ("secret", ctypes.c_uint32),
        ("key", ctypes.c_void_p),
        ("key_len", ctypes.c_size_t),
        ("value", ctypes.c_void_p),
        ("value_len", ctypes.c_size_t),
        ("expires_ms", ctypes.c_uint64),
    ]


class bitchat_address(ctypes.Structure):
    family: int
    reserved: int
    port: int
    ip: ctypes.Array[ctypes.c_uint8]
    _fields_ = [
        ("family", ctypes.c_uint8),
        ("reserved", ctypes.c_uint8),
        ("port", ctypes.c_uint16),
        ("ip", ctypes.c_uint8 * 16),
    ]


class bitchat_action(ctypes.Structure):
    struct_size: int
    kind: int
    family: int
    reserved: int
    port: int
    request: int
    stream: int
    address: bitchat_address
    limit: int
    text: Optional[int]
    data: Optional[int]
    data_len: int
    prefix: Optional[int]
    prefix_len: int
    after: Optional[int]
    after_len: int
    changes: Optional[int]
    change_count: int
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("kind", ctypes.c_int32),
        ("family", ctypes.c_uint8),
        ("reserved", ctypes.c_uint8),
        ("port", ctypes.c_uint16),
        ("request", ctypes.c_uint64),
        ("stream", ctypes.c_uint64),
        ("address", bitchat_address),
        ("limit", ctypes.c_uint32),
        ("text", ctypes.c_void_p),
        ("data", ctypes.c_void_p),
        ("data_len", ctypes.c_size_t),
        ("prefix", ctypes.c_void_p),
        ("prefix_len", ctypes.c_size_t),
        ("after", ctypes.c_void_p),
        ("after_len", ctypes.c_size_t),
        ("changes", ctypes.c_void_p),
        ("change_count", ctypes.c_size_t),
    ]


class bitchat_device(ctypes.Structure):
    peer_id: ctypes.Array[ctypes.c_uint8]
    device_id: ctypes.Array[ctypes.c_uint8]
    _fields_ = [
        ("peer_id", ctypes.c_uint8 * 32),
        ("device_id", ctypes.c_uint8 * 16),
    ]


class bitchat_dht_stats(ctypes.Structure):
    struct_size: int
    nodes_v4: int
    nodes_v6: int
    queries: int
    searches: int
    hashes: int
    served: int
    ignored: int
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("nodes_v4", ctypes.c_uint64),
        ("nodes_v6", ctypes.c_uint64),
        ("queries", ctypes.c_uint64),
        ("searches", ctypes.c_uint64),
        ("hashes", ctypes.c_uint64),
        ("served", ctypes.c_uint64),
        ("ignored", ctypes.c_uint64),
    ]


class bitchat_transmit(ctypes.Structure):
    struct_size: int
    socket: int
    address: bitchat_address
    data: Optional[int]
    len: int
    segment_size: int
    ecn: int
    local: bitchat_address
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("socket", ctypes.c_uint32),
        ("address", bitchat_address),
        ("data", ctypes.c_void_p),
        ("len", ctypes.c_size_t),
        ("segment_size", ctypes.c_size_t),
        ("ecn", ctypes.c_uint32),
        ("local", bitchat_address),
    ]


class bitchat_event(ctypes.Structure):
    struct_size: int
    kind: int
    channel: int
    link: int
    device: bitchat_device
    entry_id: ctypes.Array[ctypes.c_uint8]
    address: bitchat_address
    state: int
    count: int
    delay_ns: int
    wall_ms: int
    lamport: int
    seq: int
    own: int
    family: int
    content: int
    reserved: ctypes.Array[ctypes.c_uint8]
    text: Optional[int]
    text_len: int
    url: Optional[int]
    key: Optional[int]
    key_len: int
    chain: ctypes.Array[ctypes.c_uint8]
    after: ctypes.Array[ctypes.c_uint8]
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("kind", ctypes.c_int32),
        ("channel", ctypes.c_uint32),
        ("link", ctypes.c_uint64),
        ("device", bitchat_device),
        ("entry_id", ctypes.c_uint8 * 32),
        ("address", bitchat_address),
        ("state", ctypes.c_int32),
        ("count", ctypes.c_uint64),
        ("delay_ns", ctypes.c_uint64),
        ("wall_ms", ctypes.c_uint64),
        ("lamport", ctypes.c_uint64),
        ("seq", ctypes.c_uint64),
        ("own", ctypes.c_uint8),
        ("family", ctypes.c_uint8),
        ("content", ctypes.c_uint8),
        ("reserved", ctypes.c_uint8 * 5),
        ("text", ctypes.c_void_p),
        ("text_len", ctypes.c_size_t),
        ("url", ctypes.c_void_p),
        ("key", ctypes.c_void_p),
        ("key_len", ctypes.c_size_t),
        ("chain", ctypes.c_uint8 * 32),
        ("after", ctypes.c_uint8 * 32),
    ]


class bitchat_log(ctypes.Structure):
    struct_size: int
    at_ns: int
    lost: int
    part: Optional[int]
    text: Optional[int]
    level: int
    reserved: int
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("at_ns", ctypes.c_uint64),
        ("lost", ctypes.c_uint64),
        ("part", ctypes.c_void_p),
        ("text", ctypes.c_void_p),
        ("level", ctypes.c_int32),
        ("reserved", ctypes.c_uint32),
    ]


class bitchat_callbacks(ctypes.Structure):
    struct_size: int
    max_segments: int
    datagram: Optional[int]
    action: Optional[int]
    event: Optional[int]
    timer: Optional[int]
    log: Optional[int]
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("max_segments", ctypes.c_size_t),
        ("datagram", ctypes.c_void_p),
        ("action", ctypes.c_void_p),
        ("event", ctypes.c_void_p),
        ("timer", ctypes.c_void_p),
        ("log", ctypes.c_void_p),
    ]


class bitchat_datagram(ctypes.Structure):
    struct_size: int
    data: Optional[int]
    len: int
    stride: int
    socket: int
    ecn: int
    from_: bitchat_address
    local: bitchat_address
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("len", ctypes.c_size_t),
        ("stride", ctypes.c_size_t),
        ("socket", ctypes.c_uint32),
        ("ecn", ctypes.c_uint32),
        ("from_", bitchat_address),
        ("local", bitchat_address),
    ]


class bitchat_record(ctypes.Structure):
    struct_size: int
    key: Optional[int]
    key_len: int
    value: Optional[int]
    value_len: int
    expires_ms: int
    secret: int
    reserved: int
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("key", ctypes.c_void_p),
        ("key_len", ctypes.c_size_t),
        ("value", ctypes.c_void_p),
        ("value_len", ctypes.c_size_t),
        ("expires_ms", ctypes.c_uint64),
        ("secret", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    ]


class bitchat_message(ctypes.Structure):
    struct_size: int
    entry_id: ctypes.Array[ctypes.c_uint8]
    author: bitchat_device
    wall_ms: int
    lamport: int
    seq: int
    text: Optional[int]
    text_len: int
    own: int
    content: int
    chain: ctypes.Array[ctypes.c_uint8]
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("entry_id", ctypes.c_uint8 * 32),
        ("author", bitchat_device),
        ("wall_ms", ctypes.c_uint64),
        ("lamport", ctypes.c_uint64),
        ("seq", ctypes.c_uint64),
        ("text", ctypes.c_void_p),
        ("text_len", ctypes.c_size_t),
        ("own", ctypes.c_uint32),
        ("content", ctypes.c_uint32),
        ("chain", ctypes.c_uint8 * 32),
    ]


class bitchat_link(ctypes.Structure):
    struct_size: int
    link: int
    device: bitchat_device
    address: bitchat_address
    reserved: int
    generation: int
    rtt_ns: int
    path_mtu: int
    paths: int
    channel_ids: Optional[int]
    channel_count: int
    min_rtt_ns: int
    rate: int
    window: int
    loss: int
    reserved2: int
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("link", ctypes.c_uint64),
        ("device", bitchat_device),
        ("address", bitchat_address),
        ("reserved", ctypes.c_uint32),
        ("generation", ctypes.c_uint64),
        ("rtt_ns", ctypes.c_uint64),
        ("path_mtu", ctypes.c_uint64),
        ("paths", ctypes.c_uint64),
        ("channel_ids", ctypes.c_void_p),
        ("channel_count", ctypes.c_size_t),
        ("min_rtt_ns", ctypes.c_uint64),
        ("rate", ctypes.c_uint64),
        ("window", ctypes.c_uint64),
        ("loss", ctypes.c_uint32),
        ("reserved2", ctypes.c_uint32),
    ]


class bitchat_stats(ctypes.Structure):
    struct_size: int
    datagrams_in: int
    datagrams_out: int
    dropped_unknown: int
    dropped_auth: int
    dropped_replay: int
    probes_answered: int
    handshakes_started: int
    handshakes_failed: int
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("datagrams_in", ctypes.c_uint64),
        ("datagrams_out", ctypes.c_uint64),
        ("dropped_unknown", ctypes.c_uint64),
        ("dropped_auth", ctypes.c_uint64),
        ("dropped_replay", ctypes.c_uint64),
        ("probes_answered", ctypes.c_uint64),
        ("handshakes_started", ctypes.c_uint64),
        ("handshakes_failed", ctypes.c_uint64),
    ]


class bitchat_qlog(ctypes.Structure):
    struct_size: int
    link: int
    lost: int
    trace: Optional[int]
    text: Optional[int]
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("link", ctypes.c_uint64),
        ("lost", ctypes.c_uint64),
        ("trace", ctypes.c_void_p),
        ("text", ctypes.c_void_p),
    ]
