/* A conversation on Bit Chat in one file of C: poll(2), UDP, HTTP trackers over TCP, timers, and a store
 * in a plain file. The library has no socket, clock or file of its own: everything it wants of the
 * world it asks this program for, and everything that happens this program hands in.
 *
 *     chat [--local] DIRECTORY FILE.chat
 *
 * DIRECTORY keeps who you are and what was said. --local allows trackers on this machine and network.
 */
#define _DEFAULT_SOURCE
#include "bitchat.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SOCKETS = 2, STREAMS = 16, DATAGRAM = 65536, LINE = 65536 };

static void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("chat: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

/* Every status below zero is a mistake of this program, except where it is looked at. */
static int32_t must(int32_t status) {
    if (status < 0) die("%s: %s", bitchat_status_name(status), bitchat_status_text(status));
    return status;
}

static void *grow(void *memory, size_t size) {
    memory = realloc(memory, size > 0 ? size : 1);
    if (memory == NULL) die("out of memory");
    return memory;
}

/* ---- Time: nanoseconds that never go back, and milliseconds since 1970. ---- */

static uint64_t clock_ns(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The two arguments that most calls begin with, after the node. */
#define NOW clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_REALTIME) / 1000000u

/* ---- Addresses. ---- */

static bitchat_address from_sockaddr(const struct sockaddr *from) {
    bitchat_address to;
    memset(&to, 0, sizeof to);
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)from;
        to.family = BITCHAT_FAMILY_V4;
        to.port = ntohs(v4->sin_port);
        memcpy(to.ip, &v4->sin_addr, 4);
    } else if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)from;
        to.family = BITCHAT_FAMILY_V6;
        to.port = ntohs(v6->sin6_port);
        memcpy(to.ip, &v6->sin6_addr, 16);
    }
    return to;
}

static socklen_t to_sockaddr(const bitchat_address *from, struct sockaddr_storage *to) {
    memset(to, 0, sizeof *to);
    if (from->family == BITCHAT_FAMILY_V4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)to;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(from->port);
        memcpy(&v4->sin_addr, from->ip, 4);
        return sizeof *v4;
    } else {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(from->port);
        memcpy(&v6->sin6_addr, from->ip, 16);
        return sizeof *v6;
    }
}

/* ---- Files: each is there as a whole or not at all, whenever the power fails. ---- */

/* The directory: locked, and what makes the names of files in it survive. */
static int directory_open(const char *path) {
    if (mkdir(path, 0700) != 0 && errno != EEXIST) die("%s: %s", path, strerror(errno));
    int directory = open(path, O_RDONLY | O_DIRECTORY);
    if (directory < 0) die("%s: %s", path, strerror(errno));
    /* Two programs with one store would be one author who says two things at once. */
    if (flock(directory, LOCK_EX | LOCK_NB) != 0) die("%s: in use by another program", path);
    return directory;
}

/* A new file with these bytes; gives it, or -1 with errno. */
static int file_write(int directory, const char *name, const uint8_t *bytes, size_t len) {
    unlinkat(directory, name, 0); /* of a run that did not get to its end */
    int file = openat(directory, name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file < 0) return -1;
    errno = EIO;
    if (pwrite(file, bytes, len, 0) == (ssize_t)len && fsync(file) == 0) return file;
    int error = errno;
    close(file);
    unlinkat(directory, name, 0);
    errno = error;
    return -1;
}

/* All bytes of a file that nobody else can read, and the file, which is -1 if it does not exist. */
static uint8_t *file_read(int directory, const char *name, int *file, size_t *len) {
    struct stat info;
    *file = openat(directory, name, O_RDWR);
    *len = 0;
    if (*file < 0 && errno == ENOENT) return NULL;
    if (*file < 0 || fstat(*file, &info) != 0) die("%s: %s", name, strerror(errno));
    if (info.st_mode & 077) die("%s: others can read it; chmod 600 it", name);
    *len = (size_t)info.st_size;
    uint8_t *bytes = grow(NULL, *len);
    if (pread(*file, bytes, *len, 0) != (ssize_t)*len) die("%s: cannot be read", name);
    return bytes;
}

/* ---- The store: batches of changes, one behind the other in a file, each with its length and a
 * checksum, so that a batch that a crash cut short counts as never written. In memory all records
 * are sorted by their keys. When a secret was replaced, the file is written anew without it. A real
 * program would use a database. ---- */

typedef struct record {
    uint8_t *bytes; /* the key, then the value */
    size_t key_len, value_len;
    uint64_t expires_ms;
    uint32_t secret;
} record;

static struct {
    int directory, file;
    int stale; /* the file holds secrets that were replaced */
    off_t end;
    record *records;
    size_t count, room;
} store;

static int compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len) {
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* The index of the first record whose key is not before this one; `*found` if it is this one. */
static size_t store_find(const uint8_t *key, size_t key_len, int *found) {
    size_t low = 0, high = store.count;
    *found = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const record *have = &store.records[middle];
        int order = compare(have->bytes, have->key_len, key, key_len);
        if (order == 0) *found = 1;
        if (order < 0) low = middle + 1; else high = middle;
    }
    return low;
}

static void store_apply(const bitchat_change *change) {
    int found, put = change->kind == BITCHAT_CHANGE_PUT;
    size_t at = store_find(change->key, change->key_len, &found);
    record *here = &store.records[at];
    if (found) {
        int same = put && here->value_len == change->value_len &&
                   memcmp(here->bytes + here->key_len, change->value, change->value_len) == 0;
        if (here->secret && !same) {
            store.stale = 1;
            explicit_bzero(here->bytes, here->key_len + here->value_len);
        }
        free(here->bytes);
    }
    if (!put) {
        if (found) memmove(here, here + 1, (--store.count - at) * sizeof *here);
        return;
    }
    if (!found) {
        if (store.count == store.room) {
            store.room = store.room * 2 + 16;
            store.records = grow(store.records, store.room * sizeof *store.records);
        }
        here = &store.records[at];
        memmove(here + 1, here, (store.count++ - at) * sizeof *here);
    }
    here->bytes = grow(NULL, change->key_len + change->value_len);
    memcpy(here->bytes, change->key, change->key_len);
    if (change->value_len > 0)
        memcpy(here->bytes + change->key_len, change->value, change->value_len);
    here->key_len = change->key_len;
    here->value_len = change->value_len;
    here->expires_ms = change->expires_ms;
    here->secret = change->secret;
}

/* FNV-1a: finds what a crash left unfinished. */
static uint64_t checksum(const uint8_t *bytes, size_t len) {
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t at = 0; at < len; at++) sum = (sum ^ bytes[at]) * 0x100000001b3u;
    return sum;
}

static size_t put(uint8_t *out, size_t at, const void *bytes, size_t len) {
    if (len > 0) memcpy(out + at, bytes, len);
    return at + len;
}

/* A batch in the file: length, checksum, then for each change its header, key and value. */
typedef struct batch_header { uint64_t len, sum; } batch_header;
typedef struct change_header {
    uint64_t key_len, value_len, expires_ms;
    uint32_t kind, secret;
} change_header;

/* A batch in the making. */
typedef struct batch {
    uint8_t *bytes;
    size_t len;
} batch;

static void batch_add(batch *to, const change_header *header, const uint8_t *key,
                      const uint8_t *value) {
    if (to->bytes == NULL) to->len = sizeof(batch_header);
    to->bytes = grow(to->bytes, to->len + sizeof *header + header->key_len + header->value_len);
    to->len = put(to->bytes, to->len, header, sizeof *header);
    to->len = put(to->bytes, to->len, key, header->key_len);
    to->len = put(to->bytes, to->len, value, header->value_len);
}

static void batch_end(batch *to) {
    batch_header header = {to->len - sizeof header, 0};
    header.sum = checksum(to->bytes + sizeof header, header.len);
    put(to->bytes, 0, &header, sizeof header);
}

/* Writes the file anew with what is in memory, as one batch, in place of the old one (BC-11.19). If that
 * cannot be done now, the next batch tries it again. */
static void store_renew(void) {
    batch all = {NULL, 0};
    for (size_t at = 0; at < store.count; at++) {
        const record *have = &store.records[at];
        change_header header = {have->key_len, have->value_len, have->expires_ms, BITCHAT_CHANGE_PUT,
                                have->secret};
        batch_add(&all, &header, have->bytes, have->bytes + have->key_len);
    }
    if (all.bytes != NULL) batch_end(&all);
    int file = file_write(store.directory, "store.new", all.bytes, all.len);
    if (file >= 0 && renameat(store.directory, "store.new", store.directory, "store") == 0) {
        if (store.file >= 0) close(store.file);
        store.file = file;
        store.end = (off_t)all.len;
        store.stale = fsync(store.directory) != 0;
    } else if (file >= 0) {
        close(file);
    }
    if (all.bytes != NULL) explicit_bzero(all.bytes, all.len);
    free(all.bytes);
}

/* Writes all changes or none; gives 0, or what went wrong. */
static int store_write(const bitchat_changes *changes, size_t count) {
    bitchat_change change;
    batch all = {NULL, 0};
    change.struct_size = sizeof change;
    for (size_t at = 0; at < count; at++) {
        must(bitchat_changes_get(changes, at, &change));
        change_header header = {change.key_len, change.value_len, change.expires_ms,
                                (uint32_t)change.kind, change.secret};
        batch_add(&all, &header, change.key, change.value);
    }
    if (all.bytes == NULL) return 0;
    batch_end(&all);
    errno = EIO;
    ssize_t written = pwrite(store.file, all.bytes, all.len, store.end);
    int failed = written != (ssize_t)all.len || fsync(store.file) != 0 ? errno : 0;
    explicit_bzero(all.bytes, all.len);
    free(all.bytes);
    if (failed) {
        if (ftruncate(store.file, store.end) != 0) die("store: %s", strerror(errno));
        return failed;
    }
    store.end += (off_t)all.len;
    for (size_t at = 0; at < count; at++) {
        must(bitchat_changes_get(changes, at, &change));
        store_apply(&change);
    }
    if (store.stale) store_renew();
    return 0;
}

/* Reads the batches that are complete, and cuts off what follows. */
static void store_open(int directory) {
    size_t size, start = 0;
    store.directory = directory;
    unlinkat(directory, "store.new", 0); /* it may hold secrets */
    uint8_t *bytes = file_read(directory, "store", &store.file, &size);
    for (batch_header batch; size - start >= sizeof batch; start += sizeof batch + batch.len) {
        memcpy(&batch, bytes + start, sizeof batch);
        const uint8_t *body = bytes + start + sizeof batch;
        if (batch.len > size - start - sizeof batch || checksum(body, batch.len) != batch.sum) break;
        for (const uint8_t *at = body; at < body + batch.len;) {
            change_header header;
            memcpy(&header, at, sizeof header);
            const uint8_t *key = at + sizeof header, *value = key + header.key_len;
            bitchat_change change = {sizeof change, (int32_t)header.kind, header.secret, key,
                                     header.key_len, value, header.value_len, header.expires_ms};
            store_apply(&change);
            at = value + header.value_len;
        }
    }
    if (bytes != NULL) explicit_bzero(bytes, size);
    free(bytes);
    store.end = (off_t)start;
    if (store.file < 0 || store.stale) store_renew();
    if (store.file < 0 || ftruncate(store.file, store.end) != 0) die("store: %s", strerror(errno));
}

/* Answers BITCHAT_ACTION_LOAD. */
static void store_load(bitchat_node *node, const bitchat_action *action) {
    int found, more = 0;
    size_t at = store_find(action->prefix, action->prefix_len, &found), count = 0;
    if (compare(action->after, action->after_len, action->prefix, action->prefix_len) >= 0) {
        at = store_find(action->after, action->after_len, &found);
        at += found && action->after_len > 0;
    }
    bitchat_record *records = grow(NULL, action->limit * sizeof *records);
    for (; at < store.count; at++) {
        const record *have = &store.records[at];
        if (have->key_len < action->prefix_len ||
            memcmp(have->bytes, action->prefix, action->prefix_len) != 0)
            break;
        if (count == action->limit) {
            more = 1;
            break;
        }
        bitchat_record loaded = {sizeof loaded, have->bytes, have->key_len,
                                 have->bytes + have->key_len, have->value_len, have->expires_ms,
                                 have->secret, 0};
        records[count++] = loaded;
    }
    must(bitchat_node_loaded(node, NOW, action->request, records, count, more));
    free(records);
}

/* ---- Sockets and streams. The library calls them by names of ours: for a socket its place in the
 * table, for a stream a number that is never used twice. ---- */

typedef struct stream {
    int file; /* -1: a free place */
    int connecting, closing;
    uint64_t name, request;
    uint8_t *unsent;
    size_t unsent_len;
} stream;

static int sockets[SOCKETS] = {-1, -1};
static stream streams[STREAMS];
static uint64_t next_stream;

/* The node finds out how large datagrams may be: none may be cut on the way. */
static void dont_fragment(int file, int family) {
#ifdef IP_PMTUDISC_PROBE
    int v4 = IP_PMTUDISC_PROBE, v6 = IPV6_PMTUDISC_PROBE;
    if (family == AF_INET) setsockopt(file, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof v4);
    if (family == AF_INET6) setsockopt(file, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof v6);
#elif defined IP_DONTFRAG
    int yes = 1;
    if (family == AF_INET) setsockopt(file, IPPROTO_IP, IP_DONTFRAG, &yes, sizeof yes);
    if (family == AF_INET6) setsockopt(file, IPPROTO_IPV6, IPV6_DONTFRAG, &yes, sizeof yes);
#endif
}

static void bind_udp(bitchat_node *node, const bitchat_action *action) {
    struct sockaddr_storage address;
    bitchat_address any = {action->family, 0, action->port, {0}}, local;
    uint32_t name = action->family == BITCHAT_FAMILY_V6;
    socklen_t len = to_sockaddr(&any, &address);
    int yes = 1, file = socket(address.ss_family, SOCK_DGRAM, 0);
    if (file >= 0 && name == 1) setsockopt(file, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    if (file >= 0) dont_fragment(file, address.ss_family);
    if (file < 0 || fcntl(file, F_SETFL, O_NONBLOCK) != 0 ||
        bind(file, (struct sockaddr *)&address, len) != 0 ||
        getsockname(file, (struct sockaddr *)&address, &len) != 0) {
        must(bitchat_node_failed(node, NOW, action->request, strerror(errno)));
        if (file >= 0) close(file);
        return;
    }
    sockets[name] = file;
    local = from_sockaddr((struct sockaddr *)&address);
    must(bitchat_node_bound(node, NOW, action->request, name, &local));
}

/* getaddrinfo blocks; a real program would call it in a thread. */
static void resolve(bitchat_node *node, const bitchat_action *action) {
    struct addrinfo hints, *found = NULL;
    bitchat_address addresses[16];
    size_t count = 0;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    int error = getaddrinfo(action->text, NULL, &hints, &found);
    if (error != 0) {
        must(bitchat_node_failed(node, NOW, action->request, gai_strerror(error)));
        return;
    }
    for (struct addrinfo *at = found; at != NULL && count < 16; at = at->ai_next)
        if (at->ai_family == AF_INET || at->ai_family == AF_INET6)
            addresses[count++] = from_sockaddr(at->ai_addr);
    freeaddrinfo(found);
    must(bitchat_node_resolved(node, NOW, action->request, addresses, count));
}

static stream *stream_by_name(uint64_t name) {
    for (int at = 0; at < STREAMS; at++)
        if (streams[at].file >= 0 && streams[at].name == name) return &streams[at];
    return NULL;
}

static void stream_free(stream *it) {
    close(it->file);
    free(it->unsent);
    it->file = -1;
}

static void open_tcp(bitchat_node *node, const bitchat_action *action) {
    struct sockaddr_storage address;
    socklen_t len = to_sockaddr(&action->address, &address);
    stream *it = streams;
    if (action->text != NULL) { /* TLS: this example has none, and the node does without. */
        must(bitchat_node_failed(node, NOW, action->request, NULL));
        return;
    }
    while (it < streams + STREAMS && it->file >= 0) it++;
    if (it == streams + STREAMS) {
        must(bitchat_node_failed(node, NOW, action->request, "too many connections"));
        return;
    }
    int file = socket(address.ss_family, SOCK_STREAM, 0);
    if (file >= 0) dont_fragment(file, address.ss_family);
    if (file < 0 || fcntl(file, F_SETFL, O_NONBLOCK) != 0 ||
        (connect(file, (struct sockaddr *)&address, len) != 0 && errno != EINPROGRESS)) {
        must(bitchat_node_failed(node, NOW, action->request, strerror(errno)));
        if (file >= 0) close(file);
        return;
    }
    stream opened = {file, 1, 0, next_stream++, action->request, NULL, 0};
    *it = opened; /* answered once it is connected */
}

/* The stream broke, or its other side closed it. */
static void stream_ended(bitchat_node *node, stream *it, const char *reason) {
    if (it->connecting)
        must(bitchat_node_failed(node, NOW, it->request, reason));
    else if (!it->closing)
        must(bitchat_node_closed(node, NOW, it->name));
    stream_free(it);
}

/* Sends what waits; closes the stream behind it if that was wanted. */
static void stream_flush(bitchat_node *node, stream *it) {
    while (it->unsent_len > 0) {
        ssize_t sent = send(it->file, it->unsent, it->unsent_len, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (sent < 0) {
            stream_ended(node, it, strerror(errno));
            return;
        }
        it->unsent_len -= (size_t)sent;
        memmove(it->unsent, it->unsent + sent, it->unsent_len);
    }
    if (it->closing) stream_free(it);
}

static void stream_write(bitchat_node *node, const bitchat_action *action) {
    stream *it = stream_by_name(action->stream);
    if (it == NULL) return;
    it->unsent = grow(it->unsent, it->unsent_len + action->data_len);
    memcpy(it->unsent + it->unsent_len, action->data, action->data_len);
    it->unsent_len += action->data_len;
    stream_flush(node, it);
}

static void stream_close(bitchat_node *node, const bitchat_action *action) {
    stream *it = stream_by_name(action->stream);
    if (it == NULL) return;
    it->closing = 1;
    stream_flush(node, it);
}

static void stream_ready(bitchat_node *node, stream *it) {
    if (it->connecting) {
        int error = 0;
        socklen_t len = sizeof error;
        getsockopt(it->file, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error != 0) {
            stream_ended(node, it, strerror(error));
        } else {
            it->connecting = 0;
            must(bitchat_node_opened(node, NOW, it->request, it->name));
        }
        return;
    }
    uint8_t bytes[16384];
    ssize_t got = recv(it->file, bytes, sizeof bytes, 0);
    if (got > 0 && !it->closing)
        must(bitchat_node_readable(node, NOW, it->name, bytes, (size_t)got));
    else if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        stream_ended(node, it, "closed");
    else
        stream_flush(node, it);
}

static void receive(bitchat_node *node, uint32_t name) {
    static uint8_t bytes[DATAGRAM];
    for (int most = 64; most > 0; most--) {
        struct sockaddr_storage address;
        socklen_t len = sizeof address;
        ssize_t got = recvfrom(sockets[name], bytes, sizeof bytes, 0, (struct sockaddr *)&address,
                               &len);
        if (got < 0) return;
        bitchat_datagram datagram = {.struct_size = sizeof datagram};
        datagram.data = bytes;
        datagram.len = (size_t)got;
        datagram.socket = name;
        datagram.from = from_sockaddr((struct sockaddr *)&address);
        must(bitchat_node_datagram(node, NOW, &datagram));
    }
}

/* Tells the node where it is, so that it can tell others on its network. */
static void tell_interfaces(bitchat_node *node) {
    struct ifaddrs *all = NULL;
    bitchat_address addresses[64];
    size_t count = 0;
    if (getifaddrs(&all) != 0) return;
    for (struct ifaddrs *at = all; at != NULL && count < 64; at = at->ifa_next) {
        if (at->ifa_addr == NULL) continue;
        bitchat_address address = from_sockaddr(at->ifa_addr);
        int local = address.ip[0] == 127 || (address.ip[0] == 169 && address.ip[1] == 254);
        if (address.family == BITCHAT_FAMILY_V6)
            local = IN6_IS_ADDR_LOOPBACK((struct in6_addr *)(void *)address.ip) ||
                    (address.ip[0] == 0xfe && (address.ip[1] & 0xc0) == 0x80);
        if (address.family != BITCHAT_FAMILY_NONE && !local) addresses[count++] = address;
    }
    freeifaddrs(all);
    must(bitchat_node_interfaces(node, NOW, addresses, count));
}

/* ---- What the user sees. ---- */

static int ready, quitting;

/* Others write this, and a terminal obeys: control characters are left out. */
static void print_text(const char *text, size_t len) {
    for (size_t at = 0; at < len; at++) {
        unsigned char byte = (unsigned char)text[at];
        int c1 = byte == 0xc2 && at + 1 < len && ((unsigned char)text[at + 1] & 0xe0) == 0x80;
        if (c1) at++;
        putchar(byte < 0x20 || byte == 0x7f || c1 ? ' ' : byte);
    }
}

/* Scheme, host and port: what is behind them often holds a key of the user's. */
static void print_host(const char *url) {
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    printf("%.*s", (int)(host - url + (ptrdiff_t)strcspn(host, "/?#")), url);
}

static void print_person(const uint8_t *peer_id) {
    char text[128];
    size_t len = sizeof text;
    must(bitchat_peer_fingerprint(peer_id, text, &len));
    printf("%.9s", text);
}

static void print_message(const bitchat_device *author, uint32_t own, uint32_t content, const char *text,
                          size_t len) {
    if (own) printf("you"); else print_person(author->peer_id);
    printf(": ");
    if (content == BITCHAT_CONTENT_TEXT) print_text(text, len);
    else printf("(something that only a later version can show)");
    putchar('\n');
}

static void print_history(bitchat_node *node, uint32_t channel) {
    const bitchat_messages *list;
    bitchat_message message;
    size_t count, all = 0;
    int page = BITCHAT_PAGE_FIRST;
    message.struct_size = sizeof message;
    for (;;) {
        must(bitchat_node_messages(node, channel, page, all ? message.entry_id : NULL, 256, &list, &count));
        if (count == 0) break;
        for (size_t at = 0; at < count; at++) {
            must(bitchat_messages_get(list, at, &message));
            print_message(&message.author, message.own, message.content, message.text, message.text_len);
        }
        all += count;
        page = BITCHAT_PAGE_AFTER;
    }
    printf("* ready, %zu messages so far\n", all);
}

static void show(bitchat_node *node, const bitchat_event *event) {
    switch (event->kind) {
    case BITCHAT_EVENT_CHANNEL_READY:
        print_history(node, event->channel);
        ready = 1;
        break;
    case BITCHAT_EVENT_CHANNEL_MEMBER_UP:
    case BITCHAT_EVENT_CHANNEL_MEMBER_DOWN:
        printf("* ");
        print_person(event->device.peer_id);
        puts(event->kind == BITCHAT_EVENT_CHANNEL_MEMBER_UP ? " is here" : " is gone");
        break;
    case BITCHAT_EVENT_CHANNEL_MESSAGE:
        print_message(&event->device, event->own, event->content, event->text, event->text_len);
        break;
    case BITCHAT_EVENT_CHANNEL_DELIVERED:
        printf("* stored by ");
        print_person(event->device.peer_id);
        putchar('\n');
        break;
    case BITCHAT_EVENT_TRACKER:
        if (event->state == BITCHAT_TRACKER_FAILED) {
            printf("* tracker ");
            print_host(event->url);
            printf(": ");
            print_text(event->text, event->text_len);
            putchar('\n');
        }
        break;
    case BITCHAT_EVENT_NODE_LISTEN_FAILED:
        printf("* no IPv%d: %s\n", event->family, event->text);
        break;
    case BITCHAT_EVENT_STORE_FAILING:
        printf("* the store refuses: %s; it is tried again\n", event->text);
        break;
    default: /* links, key renewals, and what newer libraries tell */
        break;
    }
}

/* ---- The loop. ---- */

static void carry_out(bitchat_node *node, const bitchat_action *action) {
    int failed;
    switch (action->kind) {
    case BITCHAT_ACTION_BIND_UDP: bind_udp(node, action); break;
    case BITCHAT_ACTION_RESOLVE: resolve(node, action); break;
    case BITCHAT_ACTION_OPEN_TCP: open_tcp(node, action); break;
    case BITCHAT_ACTION_WRITE: stream_write(node, action); break;
    case BITCHAT_ACTION_CLOSE: stream_close(node, action); break;
    case BITCHAT_ACTION_LOAD: store_load(node, action); break;
    case BITCHAT_ACTION_PERSIST:
        failed = store_write(action->changes, action->change_count);
        if (failed)
            must(bitchat_node_failed(node, NOW, action->request, strerror(failed)));
        else
            must(bitchat_node_persisted(node, NOW, action->request));
        break;
    default: /* from a newer library */
        if (action->request != BITCHAT_NO_REQUEST)
            must(bitchat_node_failed(node, NOW, action->request, NULL));
    }
}

/* Takes out everything that the node has to say, until it is silent. */
static void drain(bitchat_node *node) {
    static uint8_t datagram[DATAGRAM];
    bitchat_transmit transmit = {0};
    bitchat_action action = {0};
    bitchat_event event = {0};
    transmit.struct_size = sizeof transmit;
    action.struct_size = sizeof action;
    event.struct_size = sizeof event;
    for (int busy = 1; busy;) {
        busy = 0;
        while (must(bitchat_node_poll_transmit(node, NOW, 1, datagram, sizeof datagram,
                                               &transmit)) == BITCHAT_OK) {
            struct sockaddr_storage to;
            socklen_t len = to_sockaddr(&transmit.address, &to);
            /* What cannot be sent is lost, as datagrams may be. */
            (void)sendto(sockets[transmit.socket], datagram, transmit.len, 0,
                         (struct sockaddr *)&to, len);
            busy = 1;
        }
        while (must(bitchat_node_poll_action(node, &action)) == BITCHAT_OK) {
            carry_out(node, &action);
            busy = 1;
        }
        while (must(bitchat_node_poll_event(node, &event)) == BITCHAT_OK) {
            show(node, &event);
            busy = 1;
        }
    }
}

static void quit(bitchat_node *node) {
    quitting = 1;
    must(bitchat_node_shutdown(node, NOW));
}

static char line[LINE];
static size_t line_len;
static int skipping; /* the rest of a line that was too long */

/* Sends the complete lines that were typed. One that the node cannot take yet waits. */
static void send_lines(bitchat_node *node, uint32_t channel) {
    char *end;
    while (!quitting && (end = memchr(line, '\n', line_len)) != NULL) {
        size_t len = (size_t)(end - line);
        if (skipping) {
            skipping = 0;
        } else if (len == 5 && memcmp(line, "/quit", 5) == 0) {
            quit(node);
        } else if (len > 0) {
            bitchat_error why = {.struct_size = sizeof why};
            int32_t status = bitchat_node_send_text(node, NOW, channel, line, len, NULL, &why);
            if (status == BITCHAT_ERR_STORE_BUSY) return;
            if (status < 0) printf("* not sent: %s\n", why.text);
        }
        line_len -= len + 1;
        memmove(line, end + 1, line_len);
        drain(node);
    }
}

static void read_lines(bitchat_node *node) {
    ssize_t got = read(STDIN_FILENO, line + line_len, sizeof line - line_len);
    if (got > 0) line_len += (size_t)got;
    if (got == 0) quit(node);
    if (line_len == sizeof line && memchr(line, '\n', line_len) == NULL) {
        if (!skipping) puts("* not sent: the line is too long");
        skipping = 1;
        line_len = 0;
    }
}

/* Milliseconds until the node wants to be woken; -1 for never. */
static int wait_ms(bitchat_node *node) {
    uint64_t deadline, now = clock_ns(CLOCK_MONOTONIC);
    must(bitchat_node_deadline(node, &deadline, NULL));
    if (deadline == BITCHAT_NO_DEADLINE) return -1;
    if (deadline <= now) return 0;
    uint64_t wait = (deadline - now + 999999u) / 1000000u;
    return wait < 60000u ? (int)wait : 60000;
}

static void wait_and_hand_in(bitchat_node *node) {
    struct pollfd files[1 + SOCKETS + STREAMS];
    int reading = ready && !quitting && line_len < sizeof line;
    files[0].fd = reading ? STDIN_FILENO : -1;
    for (int at = 0; at < SOCKETS; at++) files[1 + at].fd = sockets[at];
    for (int at = 0; at < STREAMS; at++) files[1 + SOCKETS + at].fd = streams[at].file;
    for (int at = 0; at < 1 + SOCKETS + STREAMS; at++) {
        files[at].events = POLLIN;
        files[at].revents = 0;
    }
    for (int at = 0; at < STREAMS; at++)
        if (streams[at].connecting || streams[at].unsent_len > 0)
            files[1 + SOCKETS + at].events = POLLIN | POLLOUT;
    int wait = wait_ms(node);
    if (quitting && (wait < 0 || wait > 100)) wait = 100;
    if (poll(files, 1 + SOCKETS + STREAMS, wait) < 0 && errno != EINTR)
        die("poll: %s", strerror(errno));
    if (files[0].revents) read_lines(node);
    for (int at = 0; at < SOCKETS; at++)
        if (files[1 + at].revents) receive(node, (uint32_t)at);
    for (int at = 0; at < STREAMS; at++)
        if (files[1 + SOCKETS + at].revents && streams[at].file >= 0) stream_ready(node, &streams[at]);
    must(bitchat_node_tick(node, NOW)); /* too early does no harm */
}

/* ---- The start. ---- */

/* The identity in the directory; a new one at the first start. */
static bitchat_identity *identity_open(int directory) {
    bitchat_identity *identity;
    uint8_t secret[32];
    size_t len;
    int file;
    uint8_t *bytes = file_read(directory, "identity", &file, &len);
    if (file >= 0) {
        if (len != sizeof secret) die("identity: damaged; without it you are somebody else");
        memcpy(secret, bytes, sizeof secret);
        explicit_bzero(bytes, len);
        must(bitchat_identity_from_secret(secret, &identity));
    } else {
        must(bitchat_identity_generate(&identity));
        must(bitchat_identity_secret(identity, secret));
        /* A link, unlike a rename, never takes the place of an identity that is there. */
        file = file_write(directory, "identity.new", secret, sizeof secret);
        if (file < 0 || linkat(directory, "identity.new", directory, "identity", 0) != 0 ||
            unlinkat(directory, "identity.new", 0) != 0 || fsync(directory) != 0)
            die("identity: %s", strerror(errno));
    }
    close(file);
    free(bytes);
    explicit_bzero(secret, sizeof secret);
    return identity;
}

static bitchat_chatfile *chatfile_open(const char *path, int local) {
    enum { LONGEST = 1 << 24 };
    bitchat_chatfile *chatfile;
    bitchat_error why = {.struct_size = sizeof why};
    uint8_t *bytes = NULL;
    size_t len = 0, got;
    FILE *file = fopen(path, "rb");
    if (file == NULL) die("%s: %s", path, strerror(errno));
    do {
        bytes = grow(bytes, len + 65536);
        got = fread(bytes + len, 1, 65536, file);
        len += got;
    } while (got > 0 && len < LONGEST);
    if (ferror(file)) die("%s: cannot be read", path);
    fclose(file);
    if (bitchat_chatfile_parse(bytes, len, local, &chatfile, &why) != BITCHAT_OK)
        die("%s: %s", path, why.text);
    free(bytes);
    return chatfile;
}

int main(int count, char **arguments) {
    int local = count > 1 && strcmp(arguments[1], "--local") == 0;
    if (count != 3 + local) die("usage: chat [--local] DIRECTORY FILE.chat");
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int at = 0; at < STREAMS; at++) streams[at].file = -1;
    bitchat_chatfile *chatfile = chatfile_open(arguments[2 + local], local);
    int directory = directory_open(arguments[1 + local]);
    bitchat_identity *identity = identity_open(directory);
    store_open(directory);

    bitchat_config config;
    bitchat_node *node;
    uint32_t channel;
    config.struct_size = sizeof config;
    must(bitchat_config_init(&config));
    config.local_trackers = (uint8_t)local;
    must(bitchat_node_new(&config, identity, NULL, NOW, &node, NULL));
    bitchat_identity_free(identity);
    tell_interfaces(node);
    must(bitchat_node_join(node, NOW, chatfile, &channel, NULL));
    bitchat_chatfile_free(chatfile);

    uint64_t patience = 0; /* until when a good-bye may take */
    for (;;) {
        drain(node);
        send_lines(node, channel);
        if (quitting && patience == 0) patience = clock_ns(CLOCK_MONOTONIC) + 3000000000u;
        if (quitting && bitchat_node_is_drained(node) == BITCHAT_OK) break;
        if (quitting && clock_ns(CLOCK_MONOTONIC) > patience) break;
        wait_and_hand_in(node);
    }
    must(bitchat_node_free(node));
    for (int at = 0; at < STREAMS; at++)
        if (streams[at].file >= 0) stream_free(&streams[at]);
    for (size_t at = 0; at < store.count; at++) free(store.records[at].bytes);
    free(store.records);
    close(store.file);
    close(directory);
    return 0;
}
