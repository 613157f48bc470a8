/* Bit Chat: private group chat without a server. MIT OR Apache-2.0.
 * Generated from bitchat-ffi; do not edit. `BITCHAT_BLESS=1 cargo test -p bitchat-ffi` rewrites it.
 *
 * Conventions
 *   - Functions return an int32_t status: BITCHAT_OK (0), BITCHAT_PENDING (1: nothing now), or a
 *     negative error. bitchat_status_name and bitchat_status_text give a status's name and meaning.
 *   - Handles are opaque. They are freed by the function named after them; freeing NULL does nothing.
 *   - Structs that begin with struct_size may grow with the library: set struct_size to the sizeof of
 *     the struct and everything else to zero before you pass one. Values of `kind` and `state` that
 *     you do not know are from a newer library: skip them.
 *   - A NULL where a pointer is needed gives BITCHAT_ERR_NULL. Nothing is written then.
 *   - A buffer that is too short gives BITCHAT_ERR_SHORT; the needed size is written and nothing is lost.
 *   - What a call lends (texts, bytes, lists) lives until the next call on the same handle, one that takes
 *     it as const (bitchat_node_deadline, bitchat_node_stats, bitchat_node_is_drained) included.
 *   - A handle is used by one thread at a time; different handles are independent. There are no globals.
 *     A node that is in use already answers BITCHAT_ERR_BUSY.
 */

#ifndef BITCHAT_H
#define BITCHAT_H

#include <stddef.h>
#include <stdint.h>

// Whoever has the file can join: it holds a random key.
#define BITCHAT_ACCESS_KEYED 0

// Whoever knows the infohash can join, so also every tracker.
#define BITCHAT_ACCESS_PUBLIC 1

// Whoever the owner invited can join.
#define BITCHAT_ACCESS_INVITE_ONLY 2

// A late joiner is given everything.
#define BITCHAT_HISTORY_ALL 0

// A late joiner is given nothing of the past.
#define BITCHAT_HISTORY_NONE 1

// A late joiner is given the latest `history_amount` messages of each author.
#define BITCHAT_HISTORY_MESSAGES 2

// A late joiner is given the messages of the last `history_amount` days.
#define BITCHAT_HISTORY_DAYS 3

// `crypto`: the fastest library that was compiled in.
#define BITCHAT_CRYPTO_FASTEST 0

// `crypto`: pure Rust.
#define BITCHAT_CRYPTO_RUSTCRYPTO 1

// `crypto`: AWS-LC, unless libbitchat was built without it.
#define BITCHAT_CRYPTO_AWS_LC 2

// The only value but 0 that `bitchat_config.insecure_key_log` takes. It is not 1, so that no flag that
// slipped by a byte can switch the key log on.
#define BITCHAT_INSECURE_KEY_LOG 181

// The clock of `mono_ns` stops while the host sleeps, as CLOCK_MONOTONIC of Linux: call
// `bitchat_node_resumed` when the host wakes up.
#define BITCHAT_CLOCK_STOPS_IN_SLEEP 0

// It runs on, as CLOCK_BOOTTIME of Linux: a node that is called ten seconds or more after its deadline
// takes it that the host slept.
#define BITCHAT_CLOCK_RUNS_IN_SLEEP 1

// Say nothing; costs nothing.
#define BITCHAT_LOG_OFF 0

// What keeps the node from its work and somebody should look at.
#define BITCHAT_LOG_WARN 1

// What happened to channels, links and the store. Up to this level no text holds an address.
#define BITCHAT_LOG_INFO 2

// Why it happened: every attempt to meet somebody, every tracker, with addresses.
#define BITCHAT_LOG_DEBUG 3

// Every datagram of a meeting, every packet that was dropped.
#define BITCHAT_LOG_TRACE 4

// What `bitchat_node_deadline` gives when the node waits for nothing but input.
#define BITCHAT_NO_DEADLINE UINT64_MAX

// Open a UDP socket on all addresses of `family` (IPv6 only, where it is IPv6) at `port`, 0 for any:
// answer with `bitchat_node_bound`.
#define BITCHAT_ACTION_BIND_UDP 101

// Look up the host name in `text`, which may be an address: answer with `bitchat_node_resolved`.
#define BITCHAT_ACTION_RESOLVE 102

// Open a TCP connection to `address`, with TLS for the server name in `text` unless that is NULL:
// answer with `bitchat_node_opened`.
#define BITCHAT_ACTION_OPEN_TCP 201

// Write all of `data` to `stream`. Not answered; a failure is `bitchat_node_closed`.
#define BITCHAT_ACTION_WRITE 202

// Close `stream` after what was written. Not answered.
#define BITCHAT_ACTION_CLOSE 203

// Put `changes` on stable storage, all of them or none, and in the order of the actions: answer with
// `bitchat_node_persisted` once they survive a power failure (with files: after fsync, of the directory
// too where a file is new). Said too early, it makes the node sign two messages of one number after a
// crash. What the store cannot take, answer with `bitchat_node_failed`: it is kept and tried again. One
// node at a time uses a store, and a store is never brought back from a backup.
#define BITCHAT_ACTION_PERSIST 301

// Read back up to `limit` records whose keys begin with `prefix` and sort behind `after`: answer
// with `bitchat_node_loaded`.
#define BITCHAT_ACTION_LOAD 302

// The `request` of an action without an answer.
#define BITCHAT_NO_REQUEST UINT64_MAX

// Store a record, replacing the one of the same key.
#define BITCHAT_CHANGE_PUT 1

// Delete the record of this key, if there is one.
#define BITCHAT_CHANGE_DELETE 2

// A UDP socket is open at `address`.
#define BITCHAT_EVENT_NODE_LISTENING 101

// A UDP socket of `family` could not be opened; `text` says why. The other family goes on.
#define BITCHAT_EVENT_NODE_LISTEN_FAILED 102

// The wall clock is needed and unknown: the node waits.
#define BITCHAT_EVENT_NODE_WALL_TIME_NEEDED 103

// The node came to know somebody in the DHT, as `count` says; or nobody any more, if it is 0.
#define BITCHAT_EVENT_NODE_DHT 104

// The store could not read or write; `text` says why. What waits for it is kept and tried again, until
// BITCHAT_EVENT_STORE_RECOVERED. Before the node's own records are read it answers nobody.
#define BITCHAT_EVENT_STORE_FAILING 201

// The store works again.
#define BITCHAT_EVENT_STORE_RECOVERED 202

// The record of this `key` is damaged, or not this node's. It was not used.
#define BITCHAT_EVENT_STORE_DAMAGED 203

// `link` to `device` at `address` is up: encrypted, ready for chat.
#define BITCHAT_EVENT_LINK_UP 301

// `link` has new keys, after `count` renewals.
#define BITCHAT_EVENT_LINK_REKEYED 302

// `link` moved to another `address` of the peer.
#define BITCHAT_EVENT_LINK_MOVED 303

// `link` to `device` ended: `state` is BITCHAT_CLOSE_..., `text` says it in words.
#define BITCHAT_EVENT_LINK_CLOSED 304

// `channel` is live; `count` messages were read back.
#define BITCHAT_EVENT_CHANNEL_READY 401

// `device` can be reached in `channel`.
#define BITCHAT_EVENT_CHANNEL_MEMBER_UP 402

// `device` cannot be reached in `channel` any more.
#define BITCHAT_EVENT_CHANNEL_MEMBER_DOWN 403

// A message, own or another's, is stored and part of the log of `channel`: `entry_id`, `device` (its
// author), `chain`, `own`, `wall_ms`, `lamport`, `seq`, `text`. It may belong between earlier ones: the
// order that everybody shows is (lamport, chain, seq), chains compared as by memcmp.
#define BITCHAT_EVENT_CHANNEL_MESSAGE 404

// `device` has stored this node's message `entry_id` of `channel`, and all of its earlier ones.
#define BITCHAT_EVENT_CHANNEL_DELIVERED 405

// `device` signed two different entries with one number. Nothing more of it is accepted in `channel`.
#define BITCHAT_EVENT_CHANNEL_EQUIVOCATION 406

// Others hold messages of this device in `channel` that its store does not, as after a restored
// backup. The next message begins a new chain.
#define BITCHAT_EVENT_CHANNEL_STORE_WENT_BACK 407

// The log of `channel` is as large as it may be: nothing more is accepted.
#define BITCHAT_EVENT_CHANNEL_LOG_FULL 408

// The tracker `url` of `channel` is in another `state`, BITCHAT_TRACKER_...; when it works, it named
// `count` peers; when it fails, `text` says why. It is asked again after `delay_ns`.
#define BITCHAT_EVENT_TRACKER 501

// An announce is on its way.
#define BITCHAT_TRACKER_ANNOUNCING 1

// The tracker answered; `text` is what it tells people, if anything.
#define BITCHAT_TRACKER_WORKING 2

// The tracker did not answer, or refused.
#define BITCHAT_TRACKER_FAILED 3

// This node closed the link.
#define BITCHAT_CLOSE_LOCAL 1

// The peer closed it; `count` is its close code.
#define BITCHAT_CLOSE_PEER 2

// Nothing was heard of the peer for too long.
#define BITCHAT_CLOSE_TIMED_OUT 3

// The peer broke the protocol.
#define BITCHAT_CLOSE_VIOLATION 4

// Another session of the same two devices took its place.
#define BITCHAT_CLOSE_REPLACED 5

// The peer's certificate ended.
#define BITCHAT_CLOSE_CERTIFICATE_EXPIRED 6

// What a message holds: a text in UTF-8.
#define BITCHAT_CONTENT_TEXT 1

// The earliest messages.
#define BITCHAT_PAGE_FIRST 0

// The latest messages.
#define BITCHAT_PAGE_LAST 1

// The messages next behind one.
#define BITCHAT_PAGE_AFTER 2

// The messages next before one.
#define BITCHAT_PAGE_BEFORE 3

// Success.
#define BITCHAT_OK 0

// Nothing now; ask again after the next call that hands something in.
#define BITCHAT_PENDING 1

// A pointer that must not be NULL was.
#define BITCHAT_ERR_NULL -1

// The output buffer is too short; the needed size was written.
#define BITCHAT_ERR_SHORT -2

// An argument is outside its range or malformed.
#define BITCHAT_ERR_INVALID -3

// The operating system gave no entropy.
#define BITCHAT_ERR_ENTROPY -4

// The node is in another call: of another thread, or the one that this callback runs in.
#define BITCHAT_ERR_BUSY -5

// There is no such channel, or no element of this index.
#define BITCHAT_ERR_UNKNOWN -6

// The channel is still being read back: wait for BITCHAT_EVENT_CHANNEL_READY.
#define BITCHAT_ERR_NOT_READY -7

// Too much waits for the store: try again when messages have been stored.
#define BITCHAT_ERR_STORE_BUSY -8

// The node is in the channel already.
#define BITCHAT_ERR_JOINED -9

// As many of these exist as may.
#define BITCHAT_ERR_TOO_MANY -10

// The channel admits invited members only, and this version knows no invitations.
#define BITCHAT_ERR_INVITE_ONLY -11

// The node is shutting down.
#define BITCHAT_ERR_SHUTTING_DOWN -12

// The channel's log is as large as it may be.
#define BITCHAT_ERR_LOG_FULL -13

// The library failed inside. Statuses from here down to -1099 are fatal: free the handle.
#define BITCHAT_ERR_PANIC -1000

// An earlier call on this handle answered BITCHAT_ERR_PANIC: it can only be freed.
#define BITCHAT_ERR_POISONED -1001

// No address; only where an address may be left out.
#define BITCHAT_FAMILY_NONE 0

// IPv4.
#define BITCHAT_FAMILY_V4 4

// IPv6.
#define BITCHAT_FAMILY_V6 6

// No ECN mark (RFC 3168), or it is not known. The values are those of the two bits in the IP header.
#define BITCHAT_ECN_NONE 0

// ECT(1).
#define BITCHAT_ECN_ECT1 1

// ECT(0): what the node asks for.
#define BITCHAT_ECN_ECT0 2

// A router on the way is congested.
#define BITCHAT_ECN_CE 3

// Major version of the interface that this header describes.
#define BITCHAT_VERSION_MAJOR 0

// Minor version of the interface that this header describes.
#define BITCHAT_VERSION_MINOR 1

// Patch version of the interface that this header describes.
#define BITCHAT_VERSION_PATCH 0

// Changes to what is stored, in their order.
typedef struct bitchat_changes bitchat_changes;

// A `.chat` file: it names a channel and lets whoever has it join.
typedef struct bitchat_chatfile bitchat_chatfile;

// A person's secret key.
typedef struct bitchat_identity bitchat_identity;

// The links of a node.
typedef struct bitchat_links bitchat_links;

// The messages of a channel.
typedef struct bitchat_messages bitchat_messages;

// A chat node. It has no socket, clock, thread or file: you hand in what happened and when, and
// carry out what it asks for.
//
// 1. `bitchat_node_new`, then `bitchat_node_join` a channel.
// 2. After this and after every call below, drain it: `bitchat_node_poll_transmit`,
//    `bitchat_node_poll_action` and `bitchat_node_poll_event` until each says BITCHAT_PENDING, or all
//    at once with `bitchat_node_dispatch`.
// 3. Sleep until something happens or `bitchat_node_deadline` is reached.
// 4. Hand in what happened, or `bitchat_node_tick` at the deadline. Go to 2.
//
// Times are `mono_ns`, nanoseconds of a clock that never goes back, and `wall_ms`, milliseconds since
// 1970, or 0 while that is unknown.
typedef struct bitchat_node bitchat_node;

// What was wrong, in English, for people: more than `bitchat_status_text` can say, where a function
// takes one. NULL is fine. Set everything to zero, then `struct_size`; where `text` is empty after an
// error, the status says all.
typedef struct {
  // Set to sizeof(bitchat_error).
  size_t struct_size;
  // Text with a zero byte; cut if it is longer.
  char text[256];
} bitchat_error;

// A channel to be. Set everything to zero, then `struct_size`, `name` and what else matters.
typedef struct {
  // Set to sizeof(bitchat_draft).
  size_t struct_size;
  // The channel's name, for people: text with a zero byte.
  const char *name;
  // `tracker_count` URLs, each text with a zero byte, in the order in which to try them.
  const char *const *trackers;
  // How many trackers there are.
  size_t tracker_count;
  // A line for people, or NULL.
  const char *comment;
  // BITCHAT_ACCESS_...
  int32_t access;
  // BITCHAT_HISTORY_...
  int32_t history;
  // How many messages or days.
  uint32_t history_amount;
  // 1: announce under another hash every day; members need a wall clock.
  uint32_t rotate;
} bitchat_draft;

// Bounds on everything that peers can make a node hold: set `struct_size`, call `bitchat_limits_init`,
// then change what you need. `bitchat_node_new` names a limit that is out of its range.
typedef struct {
  // Set to sizeof(bitchat_limits).
  size_t struct_size;
  // Bytes of a `.chat` file.
  uint64_t chat_file_bytes;
  // Channels joined at once.
  uint64_t channels;
  // Links at once, all channels together.
  uint64_t links;
  // Handshakes in progress at once.
  uint64_t handshakes;
  // Peers whose resumption secrets are kept.
  uint64_t resumptions;
  // Probe nonces remembered so that none is answered twice.
  uint64_t probe_nonces;
  // Candidate addresses remembered per channel.
  uint64_t candidates;
  // Bytes of the largest UDP payload that the node sends or takes in. Your buffers for datagrams
  // have this size.
  uint64_t datagram_bytes;
  // Bytes a link may buffer of what the peer sends and the node has not consumed.
  uint64_t receive_window;
  // Bytes a link may buffer of what the node sends and the peer has not acknowledged.
  uint64_t send_buffer;
  // Streams that a peer may have open on a link: three for each channel, and the control stream.
  uint64_t streams;
  // Gaps in the reassembly of one stream while a link's window is `receive_window`; more as the
  // window grows, in proportion.
  uint64_t reassembly_gaps;
  // Bytes of one message (a log entry, a peer list, …) on a stream.
  uint64_t message_bytes;
  // Bytes of one text.
  uint64_t text_bytes;
  // Log entries of one channel kept in memory.
  uint64_t log_entries;
  // Bytes of those entries, and 4,096 for each author.
  uint64_t log_bytes;
  // Authors of one channel that are taken unasked; more only where others build on them.
  uint64_t authors;
  // Entries of one channel that wait for an earlier one.
  uint64_t waiting_entries;
  // Events that the application has not drained.
  uint64_t events;
  // Log records that the application has not drained; the oldest are lost first.
  uint64_t log_records;
  // Datagrams of no link (probes, handshakes, tracker requests) that wait to be handed out.
  uint64_t queued_datagrams;
  // Bytes handed out in `Persist` actions that are not yet answered.
  uint64_t persist_bytes;
  // Peers believed from one tracker answer or one peer-exchange message.
  uint64_t peers_per_source;
  // Bytes of a tracker's answer, after decompression.
  uint64_t tracker_reply_bytes;
  // Trackers in one `.chat` file.
  uint64_t trackers;
  // DHT nodes in one `.chat` file.
  uint64_t nodes;
  // Peer addresses in one `.chat` file.
  uint64_t file_peers;
  // Bytes of a name: of a channel, or of the program that made a file.
  uint64_t name_bytes;
  // Bytes of the comment in a `.chat` file.
  uint64_t comment_bytes;
  // Bytes of a link to a channel.
  uint64_t link_bytes;
  // Bytes by which the windows and the send buffer of one link may grow together, beyond
  // `receive_window` and `send_buffer`, where its path is long and fast.
  uint64_t link_growth;
  // The same for all links together.
  uint64_t links_growth;
  // Infohashes of others that are remembered for the DHT.
  uint64_t dht_hashes;
  // Peers of each of them that are remembered.
  uint64_t dht_peers;
} bitchat_limits;

// Settings of a node: set `struct_size`, call `bitchat_config_init`, then change what you need.
typedef struct {
  // Set to sizeof(bitchat_config).
  size_t struct_size;
  // A link's keys are renewed this long after the first user data under them; 1,000 to 120,000.
  uint64_t rekey_interval_ms;
  // An idle link says that it lives this often at first; 1,000 to 30,000. It learns how much longer
  // it may be silent: up to 25 s behind a NAT, up to three quarters of `idle_timeout_ms` without one.
  uint64_t keepalive_ms;
  // A link on which nothing was heard for this long is dead; more than twice `keepalive_ms`.
  uint64_t idle_timeout_ms;
  // The UDP port wanted; 0 leaves the choice to the system.
  uint16_t port;
  // 1: use IPv4.
  uint8_t ipv4;
  // 1: use IPv6.
  uint8_t ipv6;
  // 1: allow trackers on loopback and private addresses. 0 keeps a `.chat` file from a stranger
  // from making the node call upon machines of its own network.
  uint8_t local_trackers;
  // 1: you answer BITCHAT_ACTION_PERSIST and BITCHAT_ACTION_LOAD. 0: the node forgets everything
  // at its end, and its device is a new one each time.
  uint8_t store;
  // BITCHAT_CRYPTO_FASTEST, BITCHAT_CRYPTO_RUSTCRYPTO or BITCHAT_CRYPTO_AWS_LC: which library
  // computes. A matter of speed: peers see no difference.
  uint8_t crypto;
  // Dangerous, for debugging only: BITCHAT_INSECURE_KEY_LOG makes the node give away all its
  // secrets through `bitchat_node_poll_key_log`. 0 leaves it off; anything else is
  // BITCHAT_ERR_INVALID.
  uint8_t insecure_key_log;
  // How much `bitchat_node_poll_log` gives: BITCHAT_LOG_...
  int32_t log;
  // 1: trace every link for `bitchat_node_poll_qlog`.
  uint8_t qlog;
  // BITCHAT_CLOCK_...: what the clock of `mono_ns` does while the host sleeps.
  uint8_t clock;
  // 1: look for members in the DHT as well, as soon as a node of it is known: from a `.chat` file, from
  // `dht_routers` or from the last run. 0: send nothing there and answer nobody.
  uint8_t dht;
  // 0.
  uint8_t reserved_2[1];
  // Bounds on what peers can make the node hold; NULL means the defaults. They are copied.
  const bitchat_limits *limits;
  // Nodes of the DHT that are asked besides those of `.chat` files: HOST:PORT, IPv6 addresses in
  // brackets, a space between two. NULL: none.
  const char *dht_routers;
} bitchat_config;

// One change. Pointers live as long as the list.
typedef struct {
  // Set to sizeof(bitchat_change).
  size_t struct_size;
  // BITCHAT_CHANGE_...
  int32_t kind;
  // 1: the value holds keys. Keep it where only this user can read it, and out of backups. When the
  // record is replaced or deleted, the old value must not stay in your files.
  uint32_t secret;
  // The record's name; sorts as bytes.
  const uint8_t *key;
  // How many bytes.
  size_t key_len;
  // What to remember.
  const uint8_t *value;
  // How many bytes.
  size_t value_len;
  // After this moment, in milliseconds since 1970, the record may be deleted; 0: never.
  uint64_t expires_ms;
} bitchat_change;

// An IP address and a port. This struct never grows.
typedef struct {
  // BITCHAT_FAMILY_V4 or BITCHAT_FAMILY_V6.
  uint8_t family;
  // 0.
  uint8_t reserved;
  // In the byte order of the machine.
  uint16_t port;
  // The address as it is sent; of IPv4 the first 4 bytes.
  uint8_t ip[16];
} bitchat_address;

// Something that the node asks for. Kinds are numbered by area: 1xx sockets and names, 2xx streams, 3xx
// the store. Each kind says which fields it uses; the others are zero. An
// action with an answer is answered exactly once, by the call that its kind names or by
// `bitchat_node_failed`; answer a kind that you do not know with the latter, if `request` is not
// BITCHAT_NO_REQUEST. Pointers live until the next call on the node.
typedef struct {
  // Set to sizeof(bitchat_action).
  size_t struct_size;
  // BITCHAT_ACTION_...
  int32_t kind;
  // BITCHAT_FAMILY_V4 or BITCHAT_FAMILY_V6.
  uint8_t family;
  // 0.
  uint8_t reserved;
  // A port, 0 for any.
  uint16_t port;
  // Names the action in its answer; BITCHAT_NO_REQUEST if it has none.
  uint64_t request;
  // Your name for a stream.
  uint64_t stream;
  // Where to.
  bitchat_address address;
  // How many records at most.
  uint32_t limit;
  // Text with a zero byte, or NULL.
  const char *text;
  // Bytes to write.
  const uint8_t *data;
  // How many.
  size_t data_len;
  // The beginning of the wanted keys.
  const uint8_t *prefix;
  // How many bytes.
  size_t prefix_len;
  // The key behind which to begin.
  const uint8_t *after;
  // How many bytes.
  size_t after_len;
  // What to store: read it with `bitchat_changes_get`.
  const bitchat_changes *changes;
  // How many changes there are.
  size_t change_count;
} bitchat_action;

// Somebody's device. This struct never grows.
typedef struct {
  // The person's public key.
  uint8_t peer_id[32];
  // Which of the person's devices.
  uint8_t device_id[16];
} bitchat_device;

// How the node stands in the DHT.
typedef struct {
  // Set to sizeof(bitchat_dht_stats).
  size_t struct_size;
  // Nodes that it knows over IPv4.
  uint64_t nodes_v4;
  // And over IPv6.
  uint64_t nodes_v6;
  // Queries under way.
  uint64_t queries;
  // Look-ups under way.
  uint64_t searches;
  // Infohashes of others that it remembers.
  uint64_t hashes;
  // Queries of others that it answered.
  uint64_t served;
  // Queries of others that it did not answer: too many, or it is not known to be reachable.
  uint64_t ignored;
} bitchat_dht_stats;

// Datagrams to send: one, or several of equal length behind each other for one destination.
typedef struct {
  // Set to sizeof(bitchat_transmit).
  size_t struct_size;
  // Your name for the socket to send from.
  uint32_t socket;
  // Where to.
  bitchat_address address;
  // The bytes: the buffer of `bitchat_node_poll_transmit`, or one of the node's that lives as long
  // as the callback.
  const uint8_t *data;
  // How many bytes; with BITCHAT_ERR_SHORT, how large the buffer has to be.
  size_t len;
  // The length of each datagram; the last may be shorter. `len` if it is one. They must not be
  // fragmented on the way: the node finds out how large they may be.
  size_t segment_size;
  // BITCHAT_ECN_…: mark the IP headers so. A host that cannot does without.
  uint32_t ecn;
  // The address of this host to send from (its port says nothing): where the peer's datagrams arrive.
  // BITCHAT_FAMILY_NONE leaves the choice to the system, and so may a program that cannot choose.
  bitchat_address local;
} bitchat_transmit;

// Something that the application is told. Kinds are numbered by area: 1xx the node, 2xx the store, 3xx
// links, 4xx channels, 5xx trackers. Each kind says which fields it uses; the others are zero.
// Skip a kind that you do not know. Pointers live until the next call on the node.
typedef struct {
  // Set to sizeof(bitchat_event).
  size_t struct_size;
  // BITCHAT_EVENT_...
  int32_t kind;
  // The channel.
  uint32_t channel;
  // The link.
  uint64_t link;
  // The peer's device.
  bitchat_device device;
  // Names a message.
  uint8_t entry_id[32];
  // Where somebody is.
  bitchat_address address;
  // What it is now, or why.
  int32_t state;
  // How many.
  uint64_t count;
  // How long from now.
  uint64_t delay_ns;
  // The author's clock, in milliseconds since 1970; 0 if it is unknown. For display only.
  uint64_t wall_ms;
  // Lamport time.
  uint64_t lamport;
  // The author's number of the message.
  uint64_t seq;
  // 1: this node wrote it.
  uint8_t own;
  // BITCHAT_FAMILY_...
  uint8_t family;
  // What a message holds: BITCHAT_CONTENT_TEXT, and it is in `text`; or the kind of something of a
  // later version, whose bytes are in `key`: show that there is something.
  uint8_t content;
  // 0.
  uint8_t reserved[5];
  // Text, followed by a zero byte (and a message's may have some inside), or NULL.
  const char *text;
  // Bytes of the text, without the last zero.
  size_t text_len;
  // Text with a zero byte, or NULL.
  const char *url;
  // A key of the store, or bytes that a message holds, or NULL.
  const uint8_t *key;
  // How many bytes.
  size_t key_len;
  // The chain that a message is in: the public log key that signed it. A device begins another one
  // when its store was lost.
  uint8_t chain[32];
  // The message that a message is shown next behind; zeros if it is the first. It may be an early
  // one.
  uint8_t after[32];
} bitchat_event;

// Something that the node did or saw, for people who look for a fault. Texts change from version to
// version, and hold no key and no message. Pointers live until the next call on the node.
typedef struct {
  // Set to sizeof(bitchat_log).
  size_t struct_size;
  // When, on the clock of `mono_ns`.
  uint64_t at_ns;
  // Records before this one that were lost, because nobody took them in time.
  uint64_t lost;
  // Which part of the node speaks, such as "link": text with a zero byte.
  const char *part;
  // One line of at most 512 bytes: text with a zero byte.
  const char *text;
  // BITCHAT_LOG_...
  int32_t level;
  // 0.
  uint32_t reserved;
} bitchat_log;

// What `bitchat_node_dispatch` calls. Set everything to zero, then `struct_size`, `datagram` and what
// else you want. A callback must return: no exception, no longjmp. It cannot use its node
// (BITCHAT_ERR_BUSY): note what is to be answered, and answer after the dispatch. What it is given
// lives as long as the callback.
typedef struct {
  // Set to sizeof(bitchat_callbacks).
  size_t struct_size;
  // How many datagrams of equal length `datagram` takes at once; 0 and 1 mean one, 64 is the most.
  size_t max_segments;
  // Send datagrams. Must not be NULL. It cannot say that a socket takes nothing now: it may drop what it
  // is given, as a network does, or copy it and send it later. Who wants the node to wait for the
  // socket instead uses `bitchat_node_poll_transmit`.
  void (*datagram)(void *user, const bitchat_transmit *transmit);
  // Carry out an action. Return BITCHAT_OK if it is or will be carried out and answered, anything else
  // for a kind that you do not know or offer: if it has an answer, it is answered as not supported.
  // Without this callback all are.
  int32_t (*action)(void *user, const bitchat_action *action);
  // The application is told something. Without this callback it is skipped.
  void (*event)(void *user, const bitchat_event *event);
  // Called once at the end of each dispatch: when to call `bitchat_node_tick`, or
  // BITCHAT_NO_DEADLINE.
  void (*timer)(void *user, uint64_t deadline);
  // What the node says of its work, as far as `bitchat_config.log` asks for it.
  void (*log)(void *user, const bitchat_log *log);
} bitchat_callbacks;

// Datagrams that arrived: one, or several of equal length behind each other from one sender.
typedef struct {
  // Set to sizeof(bitchat_datagram).
  size_t struct_size;
  // The bytes. They are decrypted in place: they change.
  uint8_t *data;
  // How many bytes.
  size_t len;
  // The length of each datagram; the last may be shorter. 0 means one.
  size_t stride;
  // Your name for the socket that they arrived on.
  uint32_t socket;
  // BITCHAT_ECN_…: the mark in their IP headers, the same for all; BITCHAT_ECN_NONE if it is not
  // known.
  uint32_t ecn;
  // Who sent them.
  bitchat_address from;
  // The address of this host that they were sent to (its port does not matter), or BITCHAT_FAMILY_NONE
  // if it is not known: answers leave from there.
  bitchat_address local;
} bitchat_datagram;

// A record that was read back. All records of one call have the same `struct_size`.
typedef struct {
  // Set to sizeof(bitchat_record).
  size_t struct_size;
  // Its name.
  const uint8_t *key;
  // How many bytes.
  size_t key_len;
  // What was stored.
  const uint8_t *value;
  // How many bytes.
  size_t value_len;
  // As it was stored.
  uint64_t expires_ms;
  // As it was stored.
  uint32_t secret;
  // 0.
  uint32_t reserved;
} bitchat_record;

// A message. Pointers live as long as the list.
typedef struct {
  // Set to sizeof(bitchat_message).
  size_t struct_size;
  // Names the message.
  uint8_t entry_id[32];
  // Who wrote it, on which device.
  bitchat_device author;
  // The author's clock, in milliseconds since 1970; 0 if it is unknown. For display only.
  uint64_t wall_ms;
  // Lamport time.
  uint64_t lamport;
  // The author's number of the message.
  uint64_t seq;
  // What it says, if `content` is BITCHAT_CONTENT_TEXT; else bytes that this version does not
  // understand. NOT followed by a zero byte.
  const char *text;
  // How many bytes.
  size_t text_len;
  // 1: this node wrote it.
  uint32_t own;
  // BITCHAT_CONTENT_TEXT, or the kind of something of a later version: show that there is
  // something.
  uint32_t content;
  // The chain that it is in: the public log key that signed it. The order that everybody shows is
  // (lamport, chain, seq), chains compared as by memcmp.
  uint8_t chain[32];
} bitchat_message;

// A link. Pointers live as long as the list.
typedef struct {
  // Set to sizeof(bitchat_link).
  size_t struct_size;
  // Names the link.
  uint64_t link;
  // Whose device it leads to.
  bitchat_device device;
  // Where it is.
  bitchat_address address;
  // 0.
  uint32_t reserved;
  // How many key renewals it has had.
  uint64_t generation;
  // Smoothed round-trip time; 0 until it was measured.
  uint64_t rtt_ns;
  // Bytes of the largest UDP payload that its path is known to carry.
  uint64_t path_mtu;
  // How many paths to the peer are known to work, the one in use among them.
  uint64_t paths;
  // The ids of the channels that it carries, 20 bytes each behind each other.
  const uint8_t *channel_ids;
  // How many channels.
  size_t channel_count;
  // The smallest round-trip time; 0 until it was measured.
  uint64_t min_rtt_ns;
  // Bytes a second that the path carries by estimate, what a sender of media is to keep below; 0
  // until it was measured, and low until much was sent.
  uint64_t rate;
  // Bytes that may be in flight.
  uint64_t window;
  // Packets lost lately, in thousandths; 0 until enough were sent to tell.
  uint32_t loss;
  // 0.
  uint32_t reserved2;
} bitchat_link;

// Counters since the node started.
typedef struct {
  // Set to sizeof(bitchat_stats).
  size_t struct_size;
  // Datagrams handed in.
  uint64_t datagrams_in;
  // Datagrams handed out.
  uint64_t datagrams_out;
  // Datagrams that belonged to nothing this node takes part in.
  uint64_t dropped_unknown;
  // Datagrams of a link that did not authenticate.
  uint64_t dropped_auth;
  // Datagrams of a link that had been seen before, or were too old to tell.
  uint64_t dropped_replay;
  // Probes answered.
  uint64_t probes_answered;
  // Handshakes begun by this node.
  uint64_t handshakes_started;
  // Handshakes that failed or timed out, either role.
  uint64_t handshakes_failed;
} bitchat_stats;

// One record of the trace of a link: a JSON text. A file `<trace>.sqlog` has a byte 0x1e before each
// record and a line feed behind it. Pointers live until the next call on the node.
typedef struct {
  // Set to sizeof(bitchat_qlog).
  size_t struct_size;
  // Which link.
  uint64_t link;
  // Records behind this one that were lost, because nobody took them in time.
  uint64_t lost;
  // The name of the trace, fit for a file: text with a zero byte.
  const char *trace;
  // The record: text with a zero byte.
  const char *text;
} bitchat_qlog;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Reads the bytes of a `.chat` file and writes the handle to `out`. `allow_local` is 0, or 1 to
// accept trackers and peers on loopback and private addresses. BITCHAT_ERR_INVALID if something is
// wrong with the file; `why` then says what. Free it with `bitchat_chatfile_free`.
//
// # Safety
// `data` is NULL or valid for reads of `len` bytes; `out` is NULL or valid for writes; `why` is NULL
// or valid for reads and writes.
int32_t bitchat_chatfile_parse(const uint8_t *data,
                               size_t len,
                               int32_t allow_local,
                               bitchat_chatfile **out,
                               bitchat_error *why);

// Makes the file of a new channel and writes the handle to `out`. `owner` signs it, or is NULL.
// `seed` is 32 bytes of fresh entropy, or NULL for the operating system's. BITCHAT_ERR_INVALID if
// something is wrong with the draft; `why` then says what. Free it with `bitchat_chatfile_free`.
//
// # Safety
// `draft` is NULL or valid for reads, with what it points to; `owner` is NULL or a live handle;
// `seed` is NULL or valid for reads of 32 bytes; `out` is NULL or valid for writes; `why` is NULL or
// valid for reads and writes.
int32_t bitchat_chatfile_create(const bitchat_draft *draft,
                                const bitchat_identity *owner,
                                const uint8_t *seed,
                                bitchat_chatfile **out,
                                bitchat_error *why);

// Writes the file's bytes. `*len` is the room in `out`, and becomes the size needed. Whoever has
// the bytes can join, so they are a secret unless the channel is public.
//
// # Safety
// `file` is NULL or a live handle; `len` is NULL or valid for reads and writes; `out` is NULL or
// valid for writes of `*len` bytes.
int32_t bitchat_chatfile_encode(const bitchat_chatfile *file, uint8_t *out, size_t *len);

// Writes the channel's name, for people, as text with a zero byte. `*len` is the room in `out`, and
// becomes the size needed.
//
// # Safety
// `file` is NULL or a live handle; `len` is NULL or valid for reads and writes; `out` is NULL or
// valid for writes of `*len` bytes.
int32_t bitchat_chatfile_name(const bitchat_chatfile *file, char *out, size_t *len);

// Writes the channel's link, `magnet:` if it is public and `dotchat:join/` if not, as text with a
// zero byte. `*len` is the room in `out`, and becomes the size needed.
//
// # Safety
// As for `bitchat_chatfile_name`.
int32_t bitchat_chatfile_link(const bitchat_chatfile *file, char *out, size_t *len);

// Writes the channel's 20-byte id to `channel_id`.
//
// # Safety
// `file` is NULL or a live handle; `channel_id` is NULL or valid for writes of 20 bytes.
int32_t bitchat_chatfile_channel_id(const bitchat_chatfile *file, uint8_t *channel_id);

// Frees a file's handle. NULL is fine.
//
// # Safety
// `file` is NULL or a live handle, which is dead afterwards.
void bitchat_chatfile_free(bitchat_chatfile *file);

// Fills a config with the defaults.
//
// # Safety
// `config` is NULL or valid for writes, with `struct_size` set.
int32_t bitchat_config_init(bitchat_config *config);

// Makes a new identity from the operating system's entropy and writes the handle to `out`.
// Free it with `bitchat_identity_free`.
//
// # Safety
// `out` is NULL or valid for writes.
int32_t bitchat_identity_generate(bitchat_identity **out);

// Restores an identity from the 32 bytes that `bitchat_identity_secret` gave, and writes the handle
// to `out`. Free it with `bitchat_identity_free`.
//
// # Safety
// `secret` is NULL or valid for reads of 32 bytes; `out` is NULL or valid for writes.
int32_t bitchat_identity_from_secret(const uint8_t *secret, bitchat_identity **out);

// Writes the identity's 32 secret bytes to `secret`. Whoever has them is this person: store them
// where only this user can read, and erase the copy.
//
// # Safety
// `identity` is NULL or a live handle; `secret` is NULL or valid for writes of 32 bytes.
int32_t bitchat_identity_secret(const bitchat_identity *identity, uint8_t *secret);

// Writes the identity's 32-byte peer id, its public key, to `peer_id`.
//
// # Safety
// `identity` is NULL or a live handle; `peer_id` is NULL or valid for writes of 32 bytes.
int32_t bitchat_identity_peer_id(const bitchat_identity *identity, uint8_t *peer_id);

// Erases and frees an identity. NULL is fine.
//
// # Safety
// `identity` is NULL or a live handle, which is dead afterwards.
void bitchat_identity_free(bitchat_identity *identity);

// Writes the fingerprint of a peer id, short enough to be read aloud, as text with a zero byte.
// `*len` is the room in `out`, and becomes the size needed.
//
// # Safety
// `peer_id` is NULL or valid for reads of 32 bytes; `len` is NULL or valid for reads and writes;
// `out` is NULL or valid for writes of `*len` bytes.
int32_t bitchat_peer_fingerprint(const uint8_t *peer_id, char *out, size_t *len);

// Writes the `dotchat:peer/` link of a peer id as text with a zero byte. `*len` is the room in
// `out`, and becomes the size needed.
//
// # Safety
// As for `bitchat_peer_fingerprint`.
int32_t bitchat_peer_link(const uint8_t *peer_id, char *out, size_t *len);

// Reads a `dotchat:peer/` link and writes the 32-byte peer id to `peer_id`.
// `BITCHAT_ERR_INVALID` if it is none or has a typing error; `why` then says what is wrong.
//
// # Safety
// `link` is NULL or text with a zero byte; `peer_id` is NULL or valid for writes of 32 bytes; `why` is
// NULL or valid for reads and writes.
int32_t bitchat_peer_link_parse(const char *link,
                                uint8_t *peer_id,
                                bitchat_error *why);

// Fills limits with the defaults, which suit a desktop or phone.
//
// # Safety
// `limits` is NULL or valid for writes, with `struct_size` set.
int32_t bitchat_limits_init(bitchat_limits *limits);

// Makes a node and writes the handle to `out`. `config` NULL means the defaults. `seed` is 32 bytes
// of fresh entropy, never stored and never used twice, or NULL for the operating system's.
// BITCHAT_ERR_INVALID if a setting is out of its range; `why` then names it. Free the node with
// `bitchat_node_free`. The identity is copied.
//
// # Safety
// `config` is NULL or valid for reads; `identity` is NULL or a live handle; `seed` is NULL or valid
// for reads of 32 bytes; `out` is NULL or valid for writes; `why` is NULL or valid for reads and
// writes.
int32_t bitchat_node_new(const bitchat_config *config,
                         const bitchat_identity *identity,
                         const uint8_t *seed,
                         uint64_t mono_ns,
                         uint64_t wall_ms,
                         bitchat_node **out,
                         bitchat_error *why);

// Frees a node at once, whatever it is doing; see `bitchat_node_shutdown` for an orderly end. NULL is
// fine. BITCHAT_ERR_BUSY within a callback of this node or while another thread uses it: the node
// lives on then.
//
// # Safety
// `node` is NULL or a live handle, which is dead after BITCHAT_OK.
int32_t bitchat_node_free(bitchat_node *node);

// Does what is due: call it when the deadline is reached. Too early or too often does no harm.
//
// # Safety
// `node` is NULL or a live handle.
int32_t bitchat_node_tick(bitchat_node *node, uint64_t mono_ns, uint64_t wall_ms);

// Writes when to call `bitchat_node_tick`, on the clock of `mono_ns`, to `deadline`:
// BITCHAT_NO_DEADLINE if only an input can bring news. With `reason` not NULL, writes which part of
// the node is waiting, for logs; the text lives until the next call on the node, and is empty
// without a deadline.
//
// # Safety
// `node` is NULL or a live handle; `deadline` is NULL or valid for writes; so is `reason`.
int32_t bitchat_node_deadline(const bitchat_node *node, uint64_t *deadline, const char **reason);

// Writes the change of this index, counted from 0, to `out`. May be called within a callback, and
// does not count as a call on the node.
//
// # Safety
// `changes` is NULL or as alive as the action that it came with; `out` is NULL or valid for writes,
// with `struct_size` set.
int32_t bitchat_changes_get(const bitchat_changes *changes, size_t index, bitchat_change *out);

// Writes the next thing that the node asks for to `out`; BITCHAT_PENDING if there is none.
//
// # Safety
// `node` is NULL or a live handle; `out` is NULL or valid for writes, with `struct_size` set.
int32_t bitchat_node_poll_action(bitchat_node *node, bitchat_action *out);

// Joins a channel and writes the number that names it in other calls and in events to `channel`. Its
// history is read back first; BITCHAT_EVENT_CHANNEL_READY says when it is live. The file is copied.
// With a negative status `why` says what is in the way.
//
// # Safety
// `node` and `file` are NULL or live handles; `channel` is NULL or valid for writes; `why` is NULL or
// valid for reads and writes.
int32_t bitchat_node_join(bitchat_node *node,
                          uint64_t mono_ns,
                          uint64_t wall_ms,
                          const bitchat_chatfile *file,
                          uint32_t *channel,
                          bitchat_error *why);

// Joins the channel of a `dotchat:join/` or `magnet:` link, which is text with a zero byte. The first
// member met says what the channel is; that is checked against the link and stored. Only then is it
// ready (BITCHAT_EVENT_CHANNEL_READY) and can be read and written to, and `bitchat_node_chat_file`
// gives its file. Joining by the same link again needs nobody. `allow_local` is 0, or 1 to accept
// trackers and peers on loopback and private addresses. BITCHAT_ERR_INVALID if the text is no link or
// has a typing error. With a negative status `why` says what is wrong. That a channel is invite-only
// is not in a link: it is never ready then.
//
// # Safety
// `node` is NULL or a live handle; `link` is NULL or text with a zero byte; `channel` is NULL or valid
// for writes; `why` is NULL or valid for reads and writes.
int32_t bitchat_node_join_link(bitchat_node *node,
                               uint64_t mono_ns,
                               uint64_t wall_ms,
                               const char *link,
                               int32_t allow_local,
                               uint32_t *channel,
                               bitchat_error *why);

// Writes a handle to the channel's file to `out`: the file that it was joined by or, where that was a
// link, what a member gave, with the link's trackers and peers. BITCHAT_ERR_NOT_READY until then.
// Free it with `bitchat_chatfile_free`.
//
// # Safety
// `node` is NULL or a live handle; `out` is NULL or valid for writes.
int32_t bitchat_node_chat_file(bitchat_node *node,
                               uint32_t channel,
                               bitchat_chatfile **out);

// Leaves a channel: its links let go of it and its trackers are told. What is stored of it stays.
//
// # Safety
// `node` is NULL or a live handle.
int32_t bitchat_node_leave(bitchat_node *node,
                           uint64_t mono_ns,
                           uint64_t wall_ms,
                           uint32_t channel);

// Writes a text of 1 to 65,536 bytes of UTF-8 to everybody in the channel. It is stored first, then
// shown (BITCHAT_EVENT_CHANNEL_MESSAGE) and sent. The message's 32-byte name is written to `entry_id` unless
// that is NULL. With any error nothing was written, and `why` says what is in the way.
//
// # Safety
// `node` is NULL or a live handle; `text` is NULL or valid for reads of `len` bytes; `entry_id` is
// NULL or valid for writes of 32 bytes; `why` is NULL or valid for reads and writes.
int32_t bitchat_node_send_text(bitchat_node *node,
                               uint64_t mono_ns,
                               uint64_t wall_ms,
                               uint32_t channel,
                               const char *text,
                               size_t len,
                               uint8_t *entry_id,
                               bitchat_error *why);

// Names an address where a member may be. `peer_id` is the 32-byte id of who is expected, or NULL.
//
// # Safety
// `node` is NULL or a live handle; `address` is NULL or valid for reads; `peer_id` is NULL or valid
// for reads of 32 bytes.
int32_t bitchat_node_add_peer(bitchat_node *node,
                              uint64_t mono_ns,
                              uint64_t wall_ms,
                              uint32_t channel,
                              const bitchat_address *address,
                              const uint8_t *peer_id);

// Starts a key renewal on every link, and writes on how many to `links` unless that is NULL.
//
// # Safety
// `node` is NULL or a live handle; `links` is NULL or valid for writes.
int32_t bitchat_node_renew_keys(bitchat_node *node,
                                uint64_t mono_ns,
                                uint64_t wall_ms,
                                size_t *links);

// Mixes fresh entropy in, after a fork or a resumed virtual machine; all links are dropped. `seed` is
// 32 bytes, or NULL for the operating system's.
//
// # Safety
// `node` is NULL or a live handle; `seed` is NULL or valid for reads of 32 bytes.
int32_t bitchat_node_reseed(bitchat_node *node,
                            uint64_t mono_ns,
                            uint64_t wall_ms,
                            const uint8_t *seed);

// Begins to end: links are closed and trackers told. Go on driving the node until
// `bitchat_node_is_drained`, or as long as you care to wait, and then free it.
//
// # Safety
// `node` is NULL or a live handle.
int32_t bitchat_node_shutdown(bitchat_node *node, uint64_t mono_ns, uint64_t wall_ms);

// BITCHAT_OK if, after `bitchat_node_shutdown`, everything has been said and stored; BITCHAT_PENDING
// if not.
//
// # Safety
// `node` is NULL or a live handle.
int32_t bitchat_node_is_drained(const bitchat_node *node);

// Writes who this node is, identity and device, to `out`; BITCHAT_PENDING until its device was read
// back from the store.
//
// # Safety
// `node` is NULL or a live handle; `out` is NULL or valid for writes.
int32_t bitchat_node_device(const bitchat_node *node, bitchat_device *out);

// Writes how the node stands in the DHT to `out`; BITCHAT_PENDING while it has nobody to ask there.
//
// # Safety
// `node` is NULL or a live handle; `out` is NULL or valid for writes, with `struct_size` set.
int32_t bitchat_node_dht_stats(const bitchat_node *node, bitchat_dht_stats *out);

// Writes where the nodes of the DHT are that this one knows to `nodes`. `*count` is the room there, and
// becomes how many they are.
//
// # Safety
// `node` is NULL or a live handle; `count` is NULL or valid for reads and writes; `nodes` is NULL or
// valid for writes of `*count` addresses.
int32_t bitchat_node_dht_nodes(const bitchat_node *node,
                               bitchat_address *nodes,
                               size_t *count);

// Drains the node: hands every datagram, action and event to its callback with `user`, and then the
// deadline to `timer`.
//
// # Safety
// `node` is NULL or a live handle; `callbacks` is NULL or valid for reads, and its functions can be
// called with `user`.
int32_t bitchat_node_dispatch(bitchat_node *node,
                              uint64_t mono_ns,
                              uint64_t wall_ms,
                              const bitchat_callbacks *callbacks,
                              void *user);

// Writes the next thing that the application is told to `out`; BITCHAT_PENDING if there is none.
//
// # Safety
// `node` is NULL or a live handle; `out` is NULL or valid for writes, with `struct_size` set.
int32_t bitchat_node_poll_event(bitchat_node *node, bitchat_event *out);

// Datagrams arrived.
//
// # Safety
// `node` is NULL or a live handle; `datagram` is NULL or valid for reads, and its `data` is NULL or
// valid for reads and writes of `len` bytes.
int32_t bitchat_node_datagram(bitchat_node *node,
                              uint64_t mono_ns,
                              uint64_t wall_ms,
                              const bitchat_datagram *datagram);

// BITCHAT_ACTION_BIND_UDP is done: `socket` is your name for it, never reused, and `local` is the
// address that it is bound to, with the port that was chosen.
//
// # Safety
// `node` is NULL or a live handle; `local` is NULL or valid for reads.
int32_t bitchat_node_bound(bitchat_node *node,
                           uint64_t mono_ns,
                           uint64_t wall_ms,
                           uint64_t request,
                           uint32_t socket,
                           const bitchat_address *local);

// The host's own addresses (their ports do not matter), at start and whenever they change. Without
// them the node cannot tell others on its network where it is.
//
// # Safety
// `node` is NULL or a live handle; `addresses` is NULL or valid for reads of `count` addresses.
int32_t bitchat_node_interfaces(bitchat_node *node,
                                uint64_t mono_ns,
                                uint64_t wall_ms,
                                const bitchat_address *addresses,
                                size_t count);

// The host slept, or the process was suspended, and goes on: every link asks at once whether its peer is
// there and is given twenty seconds to hear of it; addresses and trackers that failed are tried anew. Call
// it before anything else. Nobody needs to where the clock of `mono_ns` runs in sleep and
// `bitchat_config.clock` says so.
//
// # Safety
// `node` is NULL or a live handle.
int32_t bitchat_node_resumed(bitchat_node *node,
                             uint64_t mono_ns,
                             uint64_t wall_ms);

// BITCHAT_ACTION_RESOLVE is done: what the name stands for (ports do not matter).
//
// # Safety
// `node` is NULL or a live handle; `addresses` is NULL or valid for reads of `count` addresses.
int32_t bitchat_node_resolved(bitchat_node *node,
                              uint64_t mono_ns,
                              uint64_t wall_ms,
                              uint64_t request,
                              const bitchat_address *addresses,
                              size_t count);

// BITCHAT_ACTION_OPEN_TCP is done: `stream` is your name for it, never reused.
//
// # Safety
// `node` is NULL or a live handle.
int32_t bitchat_node_opened(bitchat_node *node,
                            uint64_t mono_ns,
                            uint64_t wall_ms,
                            uint64_t request,
                            uint64_t stream);

// Bytes arrived on a stream, in order.
//
// # Safety
// `node` is NULL or a live handle; `data` is NULL or valid for reads of `len` bytes.
int32_t bitchat_node_readable(bitchat_node *node,
                              uint64_t mono_ns,
                              uint64_t wall_ms,
                              uint64_t stream,
                              const uint8_t *data,
                              size_t len);

// A stream ended: the other side closed it, or it broke.
//
// # Safety
// `node` is NULL or a live handle.
int32_t bitchat_node_closed(bitchat_node *node,
                            uint64_t mono_ns,
                            uint64_t wall_ms,
                            uint64_t stream);

// BITCHAT_ACTION_PERSIST is done: everything is on stable storage.
//
// # Safety
// `node` is NULL or a live handle.
int32_t bitchat_node_persisted(bitchat_node *node,
                               uint64_t mono_ns,
                               uint64_t wall_ms,
                               uint64_t request);

// BITCHAT_ACTION_LOAD is done: up to `limit` records in ascending order of their keys. `more` is 1 if
// others follow, else 0; the node then asks again from the last key on.
//
// # Safety
// `node` is NULL or a live handle; `records` is NULL or valid for reads of `count` records, with what
// they point to.
int32_t bitchat_node_loaded(bitchat_node *node,
                            uint64_t mono_ns,
                            uint64_t wall_ms,
                            uint64_t request,
                            const bitchat_record *records,
                            size_t count,
                            int32_t more);

// An action failed, and `reason` says why for people; NULL means that you do not offer this kind at
// all, and the node goes without it. A store that gave or took a record before is one: for it NULL is a
// failure like any other, and what was asked is asked again.
//
// # Safety
// `node` is NULL or a live handle; `reason` is NULL or text with a zero byte.
int32_t bitchat_node_failed(bitchat_node *node,
                            uint64_t mono_ns,
                            uint64_t wall_ms,
                            uint64_t request,
                            const char *reason);

// Writes the next line of the key log to `line`, with a line feed and a zero byte at its end;
// BITCHAT_PENDING if there is none, as ever without BITCHAT_INSECURE_KEY_LOG in the config.
//
// A line is a secret. Poll before `bitchat_node_poll_transmit` and `bitchat_node_dispatch`, write it
// to a file that nobody else can read (`fputs`), and keep it nowhere else. It lives, and is erased
// then, until the next call on the node. At most 1,024 lines wait.
//
// # Safety
// `node` is NULL or a live handle; `line` is NULL or valid for writes.
int32_t bitchat_node_poll_key_log(bitchat_node *node,
                                  const char **line);

// Writes up to `limit` messages of a channel to `list`, in the order that everybody shows, and how
// many they are to `count`; none while the channel is read back. `page` says which:
// BITCHAT_PAGE_FIRST or _LAST, and `entry_id` is NULL; or _AFTER or _BEFORE, and `entry_id` names a
// message of the channel (else BITCHAT_ERR_UNKNOWN). To read all, go on behind the last message of
// each page until one is empty. The list lives until the next call on the node.
//
// # Safety
// `node` is NULL or a live handle; `entry_id` is NULL or valid for reads of 32 bytes; `list` and
// `count` are NULL or valid for writes.
int32_t bitchat_node_messages(bitchat_node *node,
                              uint32_t channel,
                              int32_t page,
                              const uint8_t *entry_id,
                              size_t limit,
                              const bitchat_messages **list,
                              size_t *count);

// Writes the message of this index, counted from 0, to `out`. Does not count as a call on the node.
//
// # Safety
// `list` is NULL or alive; `out` is NULL or valid for writes, with `struct_size` set.
int32_t bitchat_messages_get(const bitchat_messages *list, size_t index, bitchat_message *out);

// Writes the links that carry chat to `list` and how many they are to `count`. The list lives until
// the next call on the node.
//
// # Safety
// `node` is NULL or a live handle; `list` and `count` are NULL or valid for writes.
int32_t bitchat_node_links(bitchat_node *node, const bitchat_links **list, size_t *count);

// Writes the link of this index, counted from 0, to `out`. Does not count as a call on the node.
//
// # Safety
// `list` is NULL or alive; `out` is NULL or valid for writes, with `struct_size` set.
int32_t bitchat_links_get(const bitchat_links *list, size_t index, bitchat_link *out);

// Writes the devices that have stored a message of this node, as far as they said, to `devices`.
// `*count` is the room there, and becomes how many they are.
//
// # Safety
// `node` is NULL or a live handle; `entry_id` is NULL or valid for reads of 32 bytes; `count` is NULL
// or valid for reads and writes; `devices` is NULL or valid for writes of `*count` devices.
int32_t bitchat_node_delivered(const bitchat_node *node,
                               uint32_t channel,
                               const uint8_t *entry_id,
                               bitchat_device *devices,
                               size_t *count);

// Writes the counters since the start to `out`.
//
// # Safety
// `node` is NULL or a live handle; `out` is NULL or valid for writes, with `struct_size` set.
int32_t bitchat_node_stats(const bitchat_node *node, bitchat_stats *out);

// Writes the next thing that the node says of its work to `out`, oldest first; BITCHAT_PENDING if
// there is none. It says nothing unless `bitchat_config.log` asks for it. Whoever does not poll
// loses the oldest records and nothing else.
//
// # Safety
// `node` is NULL or a live handle; `out` is NULL or valid for reads and writes.
int32_t bitchat_node_poll_log(bitchat_node *node, bitchat_log *out);

// Writes the next record of a trace to `out`, in order for each link; BITCHAT_PENDING if there is
// none, as ever without `bitchat_config.qlog`. Whoever does not poll loses records and nothing else:
// at most 4 MiB wait for each link.
//
// Records show who talks to whom, when, how much and from where. They hold no key and nothing that
// anybody said.
//
// # Safety
// `node` is NULL or a live handle; `out` is NULL or valid for reads and writes.
int32_t bitchat_node_poll_qlog(bitchat_node *node,
                               bitchat_qlog *out);

// Fills `buffer` with the next datagram, or with up to `max_segments` of equal length (the last may
// be shorter) for one destination, as segmentation offload wants them; 0 and 1 mean one. Call it
// until it says BITCHAT_PENDING. A buffer that is too short gives BITCHAT_ERR_SHORT, and the size
// needed in `out->len`: `datagram_bytes` of the node's limits. A longer buffer holds more segments.
//
// If the socket takes nothing now, keep what you have and poll no more transmits until it does; what the
// node has to send waits in it, paced and in order of importance. What is due then stays due, so
// `bitchat_node_deadline` may say a time that is past: do not spin, but wait for the socket, or call
// `bitchat_node_tick` once a millisecond at most. A datagram that is refused for another reason is lost,
// as any may be.
//
// # Safety
// `node` is NULL or a live handle; `buffer` is NULL or valid for reads and writes of `buffer_len`
// bytes; `out` is NULL or valid for writes, with `struct_size` set.
int32_t bitchat_node_poll_transmit(bitchat_node *node,
                                   uint64_t mono_ns,
                                   uint64_t wall_ms,
                                   size_t max_segments,
                                   uint8_t *buffer,
                                   size_t buffer_len,
                                   bitchat_transmit *out);

// The name of a status, such as "BITCHAT_ERR_NULL": valid for ever, never NULL.
const char *bitchat_status_name(int32_t status);

// What a status means, in English: valid for ever, never NULL.
const char *bitchat_status_text(int32_t status);

// The version of the library that was linked, as `major << 16 | minor << 8 | patch`: compare it
// with the BITCHAT_VERSION_ macros of the header that was compiled against.
uint32_t bitchat_version(void);

// The same as text, for people: valid for ever, never NULL.
const char *bitchat_version_text(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* BITCHAT_H */
