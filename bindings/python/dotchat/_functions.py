"""What each function gives and takes.

Generated from include/bitchat.h by generate.py; do not edit.
"""

from __future__ import annotations

from ctypes import (
    POINTER,
    c_char_p,
    c_int32,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any, Dict, List, Tuple

from ._structs import (
    bitchat_action,
    bitchat_address,
    bitchat_callbacks,
    bitchat_change,
    bitchat_config,
    bitchat_datagram,
    bitchat_device,
    bitchat_dht_stats,
    bitchat_draft,
    bitchat_error,
    bitchat_event,
    bitchat_limits,
    bitchat_link,
    bitchat_log,
    bitchat_message,
    bitchat_qlog,
    bitchat_record,
    bitchat_stats,
    bitchat_transmit,
)

FUNCTIONS: Dict[str, Tuple[Any, List[Any]]] = {
    "bitchat_chatfile_parse": (c_int32, [
        c_void_p,
        c_size_t,
        c_int32,
        POINTER(c_void_p),
        POINTER(bitchat_error),
    ]),
    "bitchat_chatfile_create": (c_int32, [
        POINTER(bitchat_draft),
        c_void_p,
        c_void_p,
        POINTER(c_void_p),
        POINTER(bitchat_error),
    ]),
    "bitchat_chatfile_encode": (c_int32, [
        c_void_p,
        c_void_p,
        POINTER(c_size_t),
    ]),
    "bitchat_chatfile_name": (c_int32, [
        c_void_p,
        c_void_p,
        POINTER(c_size_t),
    ]),
    "bitchat_chatfile_link": (c_int32, [
        c_void_p,
        c_void_p,
        POINTER(c_size_t),
    ]),
    "bitchat_chatfile_channel_id": (c_int32, [
        c_void_p,
        c_void_p,
    ]),
    "bitchat_chatfile_free": (None, [
        c_void_p,
    ]),
    "bitchat_config_init": (c_int32, [
        POINTER(bitchat_config),
    ]),
    "bitchat_identity_generate": (c_int32, [
        POINTER(c_void_p),
    ]),
    "bitchat_identity_from_secret": (c_int32, [
        c_void_p,
        POINTER(c_void_p),
    ]),
    "bitchat_identity_secret": (c_int32, [
        c_void_p,
        c_void_p,
    ]),
    "bitchat_identity_peer_id": (c_int32, [
        c_void_p,
        c_void_p,
    ]),
    "bitchat_identity_free": (None, [
        c_void_p,
    ]),
    "bitchat_peer_fingerprint": (c_int32, [
        c_void_p,
        c_void_p,
        POINTER(c_size_t),
    ]),
    "bitchat_peer_link": (c_int32, [
        c_void_p,
        c_void_p,
        POINTER(c_size_t),
    ]),
    "bitchat_peer_link_parse": (c_int32, [
        c_void_p,
        c_void_p,
        POINTER(bitchat_error),
    ]),
    "bitchat_limits_init": (c_int32, [
        POINTER(bitchat_limits),
    ]),
    "bitchat_node_new": (c_int32, [
        POINTER(bitchat_config),
        c_void_p,
        c_void_p,
        c_uint64,
        c_uint64,
        POINTER(c_void_p),
        POINTER(bitchat_error),
    ]),
    "bitchat_node_free": (c_int32, [
        c_void_p,
    ]),
    "bitchat_node_tick": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
    ]),
    "bitchat_node_deadline": (c_int32, [
        c_void_p,
        POINTER(c_uint64),
        POINTER(c_void_p),
    ]),
    "bitchat_changes_get": (c_int32, [
        c_void_p,
        c_size_t,
        POINTER(bitchat_change),
    ]),
    "bitchat_node_poll_action": (c_int32, [
        c_void_p,
        POINTER(bitchat_action),
    ]),
    "bitchat_node_join": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        c_void_p,
        POINTER(c_uint32),
        POINTER(bitchat_error),
    ]),
    "bitchat_node_join_link": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        c_void_p,
        c_int32,
        POINTER(c_uint32),
        POINTER(bitchat_error),
    ]),
    "bitchat_node_chat_file": (c_int32, [
        c_void_p,
        c_uint32,
        POINTER(c_void_p),
    ]),
    "bitchat_node_leave": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        c_uint32,
    ]),
    "bitchat_node_send_text": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        c_uint32,
        c_void_p,
        c_size_t,
        c_void_p,
        POINTER(bitchat_error),
    ]),
    "bitchat_node_add_peer": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        c_uint32,
        POINTER(bitchat_address),
        c_void_p,
    ]),
    "bitchat_node_renew_keys": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        POINTER(c_size_t),
    ]),
    "bitchat_node_reseed": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        c_void_p,
    ]),
    "bitchat_node_shutdown": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
    ]),
    "bitchat_node_is_drained": (c_int32, [
        c_void_p,
    ]),
    "bitchat_node_device": (c_int32, [
        c_void_p,
        POINTER(bitchat_device),
    ]),
    "bitchat_node_dht_stats": (c_int32, [
        c_void_p,
        POINTER(bitchat_dht_stats),
    ]),
    "bitchat_node_dht_nodes": (c_int32, [
        c_void_p,
        POINTER(bitchat_address),
        POINTER(c_size_t),
    ]),
    "bitchat_node_dispatch": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        POINTER(bitchat_callbacks),
        c_void_p,
    ]),
    "bitchat_node_poll_event": (c_int32, [
        c_void_p,
        POINTER(bitchat_event),
    ]),
    "bitchat_node_datagram": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        POINTER(bitchat_datagram),
    ]),
    "bitchat_node_bound": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        c_uint64,
        c_uint32,
        POINTER(bitchat_address),
    ]),
    "bitchat_node_interfaces": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        POINTER(bitchat_address),
        c_size_t,
    ]),
    "bitchat_node_resumed": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
    ]),
    "bitchat_node_resolved": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        c_uint64,
        POINTER(bitchat_address),
        c_size_t,
    ]),
    "bitchat_node_opened": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        c_uint64,
        c_uint64,
    ]),
    "bitchat_node_readable": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        c_uint64,
        c_void_p,
        c_size_t,
    ]),
    "bitchat_node_closed": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        c_uint64,
    ]),
    "bitchat_node_persisted": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        c_uint64,
    ]),
    "bitchat_node_loaded": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        c_uint64,
        POINTER(bitchat_record),
        c_size_t,
        c_int32,
    ]),
    "bitchat_node_failed": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        c_uint64,
        c_void_p,
    ]),
    "bitchat_node_poll_key_log": (c_int32, [
        c_void_p,
        POINTER(c_void_p),
    ]),
    "bitchat_node_messages": (c_int32, [
        c_void_p,
        c_uint32,
        c_int32,
        c_void_p,
        c_size_t,
        POINTER(c_void_p),
        POINTER(c_size_t),
    ]),
    "bitchat_messages_get": (c_int32, [
        c_void_p,
        c_size_t,
        POINTER(bitchat_message),
    ]),
    "bitchat_node_links": (c_int32, [
        c_void_p,
        POINTER(c_void_p),
        POINTER(c_size_t),
    ]),
    "bitchat_links_get": (c_int32, [
        c_void_p,
        c_size_t,
        POINTER(bitchat_link),
    ]),
    "bitchat_node_delivered": (c_int32, [
        c_void_p,
        c_uint32,
        c_void_p,
        POINTER(bitchat_device),
        POINTER(c_size_t),
    ]),
    "bitchat_node_stats": (c_int32, [
        c_void_p,
        POINTER(bitchat_stats),
    ]),
    "bitchat_node_poll_log": (c_int32, [
        c_void_p,
        POINTER(bitchat_log),
    ]),
    "bitchat_node_poll_qlog": (c_int32, [
        c_void_p,
        POINTER(bitchat_qlog),
    ]),
    "bitchat_node_poll_transmit": (c_int32, [
        c_void_p,
        c_uint64,
        c_uint64,
        c_size_t,
        c_void_p,
        c_size_t,
        POINTER(bitchat_transmit),
    ]),
    "bitchat_status_name": (c_char_p, [
        c_int32,
    ]),
    "bitchat_status_text": (c_char_p, [
        c_int32,
    ]),
    "bitchat_version": (c_uint32, [
    ]),
    "bitchat_version_text": (c_char_p, [
    ]),
}
