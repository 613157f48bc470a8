/* Two nodes in one program, driven by callbacks alone: they meet, chat, and one is restarted. */
#include "check.h"

enum { WIRE = 256, ANSWERS = 64, RECORDS = 512 };

typedef struct stored {
    uint8_t *key, *value;
    size_t key_len, value_len;
} stored;

typedef struct answer {
    int32_t kind;
    uint64_t request;
    uint8_t prefix[64], after[128];
    size_t prefix_len, after_len, limit;
} answer;

typedef struct host {
    bitchat_node *node;
    uint8_t number; /* the last byte of its address */
    uint32_t channel;
    uint64_t deadline;
    answer answers[ANSWERS];
    size_t answer_count;
    stored records[RECORDS];
    size_t record_count;
    unsigned ready, messages, up, delivered, logged, failing;
    int storeless;
    char last[64];
    uint8_t chain[32]; /* of the last message */
} host;

typedef struct packet {
    uint8_t from, to;
    uint32_t ecn;
    uint8_t *data;
    size_t len;
} packet;

static packet wire[WIRE];
static size_t wire_count;
static size_t marked, answered;
static uint64_t mono = 1000000000;
enum { HOSTS = 3 };
static host hosts[HOSTS];
static bitchat_chatfile *chatfile;

#define NOW mono, UINT64_C(1800000000000) + mono / 1000000

static bitchat_address address_of(uint8_t number) {
    bitchat_address address = {BITCHAT_FAMILY_V4, 0, 1000, {10, 0, 0, 0}};
    address.ip[3] = number;
    return address;
}

/* ---- Callbacks: they note what is to be answered, since the node is busy. ---- */

static void refused_here(host *it) {
    GIVES(BITCHAT_ERR_BUSY, bitchat_node_tick(it->node, NOW));
    GIVES(BITCHAT_ERR_BUSY, bitchat_node_free(it->node));
    GIVES(BITCHAT_ERR_BUSY, bitchat_node_dispatch(it->node, NOW, NULL, NULL));
}

static void datagram(void *user, const bitchat_transmit *sent) {
    host *it = user;
    refused_here(it);
    CHECK(sent->struct_size == sizeof *sent && sent->len > 0 && sent->socket == 5);
    if (sent->local.family != BITCHAT_FAMILY_NONE) {
        CHECK(sent->local.family == BITCHAT_FAMILY_V4 && sent->local.ip[3] == it->number);
        answered++;
    }
    for (size_t at = 0; at < sent->len; at += sent->segment_size) {
        size_t len = sent->len - at < sent->segment_size ? sent->len - at : sent->segment_size;
        CHECK(wire_count < WIRE);
        packet *next = &wire[wire_count++];
        next->from = it->number;
        next->to = sent->address.ip[3];
        next->len = len;
        next->ecn = sent->ecn;
        if (sent->ecn == BITCHAT_ECN_ECT0) marked++;
        CHECK(sent->ecn == BITCHAT_ECN_NONE || sent->ecn == BITCHAT_ECN_ECT0);
        next->data = malloc(len);
        CHECK(next->data != NULL);
        memcpy(next->data, sent->data + at, len);
    }
}

static void timer(void *user, uint64_t deadline) {
    ((host *)user)->deadline = deadline;
}

static answer *note(host *it, const bitchat_action *action) {
    refused_here(it);
    CHECK(action->struct_size == sizeof *action && it->answer_count < ANSWERS);
    answer *next = &it->answers[it->answer_count++];
    memset(next, 0, sizeof *next);
    next->kind = action->kind;
    next->request = action->request;
    return next;
}

static void bind_udp(host *it, const bitchat_action *action) {
    CHECK(action->family == BITCHAT_FAMILY_V4);
    note(it, action);
}

static void load(host *it, const bitchat_action *action) {
    answer *next = note(it, action);
    CHECK(action->prefix_len <= sizeof next->prefix && action->after_len <= sizeof next->after);
    memcpy(next->prefix, action->prefix, action->prefix_len);
    memcpy(next->after, action->after, action->after_len);
    next->prefix_len = action->prefix_len;
    next->after_len = action->after_len;
    next->limit = action->limit;
}

static uint8_t *copy(const uint8_t *bytes, size_t len) {
    uint8_t *made = malloc(len + 1);
    CHECK(made != NULL);
    if (len > 0) memcpy(made, bytes, len);
    return made;
}

static void store(host *it, const bitchat_change *change) {
    size_t at = 0;
    while (at < it->record_count && (it->records[at].key_len != change->key_len ||
                                     memcmp(it->records[at].key, change->key, change->key_len)))
        at++;
    stored *here = &it->records[at];
    if (at < it->record_count) {
        free(here->key);
        free(here->value);
        *here = it->records[--it->record_count];
    }
    if (change->kind == BITCHAT_CHANGE_DELETE) return;
    CHECK(change->kind == BITCHAT_CHANGE_PUT && it->record_count < RECORDS);
    stored made = {copy(change->key, change->key_len), copy(change->value, change->value_len),
                   change->key_len, change->value_len};
    it->records[it->record_count++] = made;
}

static void persist(host *it, const bitchat_action *action) {
    bitchat_change change;
    change.struct_size = sizeof change;
    note(it, action);
    CHECK(action->change_count > 0);
    for (size_t at = 0; at < action->change_count; at++) {
        OK(bitchat_changes_get(action->changes, at, &change));
        store(it, &change);
    }
    GIVES(BITCHAT_ERR_UNKNOWN, bitchat_changes_get(action->changes, action->change_count, &change));
}

/* A host without a store offers no action of the store: the library answers for it. */
static int32_t action(void *user, const bitchat_action *action) {
    host *it = user;
    switch (action->kind) {
    case BITCHAT_ACTION_BIND_UDP: bind_udp(it, action); return BITCHAT_OK;
    case BITCHAT_ACTION_LOAD:
        if (it->storeless) return BITCHAT_ERR_UNKNOWN;
        load(it, action);
        return BITCHAT_OK;
    case BITCHAT_ACTION_PERSIST:
        if (it->storeless) return BITCHAT_ERR_UNKNOWN;
        persist(it, action);
        return BITCHAT_OK;
    default: return BITCHAT_ERR_UNKNOWN;
    }
}

static void event(void *user, const bitchat_event *event) {
    host *it = user;
    CHECK(event->struct_size == sizeof *event);
    switch (event->kind) {
    case BITCHAT_EVENT_CHANNEL_READY:
        CHECK(event->channel == it->channel);
        it->ready++;
        break;
    case BITCHAT_EVENT_LINK_UP:
        CHECK(event->address.port == 1000);
        it->up++;
        break;
    case BITCHAT_EVENT_CHANNEL_MESSAGE:
        CHECK(event->text_len < sizeof it->last && strlen(event->text) == event->text_len);
        if (!event->own) memcpy(it->last, event->text, event->text_len + 1);
        memcpy(it->chain, event->chain, sizeof it->chain);
        it->messages++;
        break;
    case BITCHAT_EVENT_CHANNEL_DELIVERED: it->delivered++; break;
    case BITCHAT_EVENT_STORE_FAILING: it->failing++; break;
    default: break;
    }
}

/* Only the first host is asked to say what it does. */
static void on_log(void *user, const bitchat_log *log) {
    host *it = user;
    CHECK(it == &hosts[0] && log->level >= BITCHAT_LOG_WARN && log->level <= BITCHAT_LOG_DEBUG);
    CHECK(log->at_ns <= mono && log->lost == 0 && strlen(log->part) > 0);
    CHECK(strstr(log->text, "hello") == NULL);
    if (strstr(log->text, "sending a probe") != NULL) it->logged |= 1;
    if (strcmp(log->part, "link") == 0 && strstr(log->text, "is up") != NULL) it->logged |= 2;
}

static bitchat_callbacks callbacks(void) {
    bitchat_callbacks all;
    memset(&all, 0, sizeof all);
    all.struct_size = sizeof all;
    all.max_segments = 4;
    all.datagram = datagram;
    all.action = action;
    all.event = event;
    all.timer = timer;
    all.log = on_log;
    return all;
}

/* ---- The world. ---- */

static int by_key(const void *left, const void *right) {
    const stored *a = left, *b = right;
    size_t len = a->key_len < b->key_len ? a->key_len : b->key_len;
    int order = memcmp(a->key, b->key, len);
    return order ? order : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

static void loaded(host *it, const answer *asked) {
    bitchat_record records[RECORDS];
    size_t count = 0;
    int more = 0;
    qsort(it->records, it->record_count, sizeof *it->records, by_key);
    for (size_t at = 0; at < it->record_count; at++) {
        stored *have = &it->records[at];
        stored after = {(uint8_t *)(size_t)asked->after, NULL, asked->after_len, 0};
        if (have->key_len < asked->prefix_len || memcmp(have->key, asked->prefix, asked->prefix_len))
            continue;
        if (by_key(have, &after) <= 0) continue;
        if (count == asked->limit) {
            more = 1;
            break;
        }
        bitchat_record record = {sizeof record, have->key, have->key_len, have->value,
                                 have->value_len, 0, 0, 0};
        records[count++] = record;
    }
    OK(bitchat_node_loaded(it->node, NOW, asked->request, records, count, more));
}

static void answer_all(host *it) {
    bitchat_address local = address_of(it->number);
    for (size_t at = 0; at < it->answer_count; at++) {
        answer *asked = &it->answers[at];
        if (asked->kind == BITCHAT_ACTION_BIND_UDP)
            OK(bitchat_node_bound(it->node, NOW, asked->request, 5, &local));
        else if (asked->kind == BITCHAT_ACTION_LOAD)
            loaded(it, asked);
        else
            OK(bitchat_node_persisted(it->node, NOW, asked->request));
    }
    it->answer_count = 0;
}

static void deliver_all(void) {
    for (size_t at = 0; at < wire_count; at++) {
        bitchat_datagram arrived = {.struct_size = sizeof arrived};
        arrived.data = wire[at].data;
        arrived.len = wire[at].len;
        arrived.socket = 5;
        arrived.ecn = wire[at].ecn;
        arrived.from = address_of(wire[at].from);
        arrived.local = address_of(wire[at].to);
        for (int to = 0; to < HOSTS; to++)
            if (hosts[to].node != NULL && hosts[to].number == wire[at].to)
                OK(bitchat_node_datagram(hosts[to].node, NOW, &arrived));
        free(wire[at].data);
    }
    wire_count = 0;
}

/* Ten milliseconds of the world at a time. */
static void run(unsigned seconds) {
    for (unsigned step = 0; step < seconds * 100; step++) {
        for (int at = 0; at < HOSTS; at++) {
            host *it = &hosts[at];
            if (it->node == NULL) continue;
            bitchat_callbacks all = callbacks();
            OK(bitchat_node_dispatch(it->node, NOW, &all, it));
            answer_all(it);
            if (it->deadline <= mono) OK(bitchat_node_tick(it->node, NOW));
        }
        deliver_all();
        mono += 10000000;
    }
}

static void make(host *it, uint8_t number, uint8_t seed) {
    bitchat_config config;
    bitchat_identity *identity;
    uint8_t secret[32], seeds[32];
    memset(secret, number, sizeof secret);
    memset(seeds, seed, sizeof seeds);
    config.struct_size = sizeof config;
    OK(bitchat_config_init(&config));
    config.ipv6 = 0;
    if (it == &hosts[0]) {
        config.log = BITCHAT_LOG_DEBUG;
        config.qlog = 1;
    }
    it->number = number;
    it->ready = it->messages = it->up = it->delivered = it->failing = 0;
    OK(bitchat_identity_from_secret(secret, &identity));
    OK(bitchat_node_new(&config, identity, seeds, NOW, &it->node, NULL));
    bitchat_identity_free(identity);
}

static void start(host *it, uint8_t number, uint8_t seed) {
    make(it, number, seed);
    OK(bitchat_node_join(it->node, NOW, chatfile, &it->channel, NULL));
    run(1);
    CHECK(it->ready == 1);
}

static void chat(void) {
    bitchat_address there = address_of(2);
    bitchat_device devices[4];
    bitchat_links const *links;
    bitchat_messages const *messages;
    bitchat_message message;
    bitchat_link link;
    uint8_t id[32];
    size_t count;

    OK(bitchat_node_add_peer(hosts[0].node, NOW, hosts[0].channel, &there, NULL));
    run(3);
    CHECK(hosts[0].up == 1 && hosts[1].up == 1 && answered > 10);
    CHECK(hosts[0].logged == 3 && hosts[1].logged == 0);
    OK(bitchat_node_send_text(hosts[0].node, NOW, hosts[0].channel, "hello", 5, id, NULL));
    run(1);
    OK(bitchat_node_send_text(hosts[1].node, NOW, hosts[1].channel, "good day", 8, NULL, NULL));
    run(1);
    CHECK(strcmp(hosts[1].last, "hello") == 0 && strcmp(hosts[0].last, "good day") == 0);
    CHECK(hosts[0].messages == 2 && hosts[0].delivered >= 1);

    count = 0;
    GIVES(BITCHAT_ERR_SHORT, bitchat_node_delivered(hosts[0].node, hosts[0].channel, id, NULL, &count));
    CHECK(count == 1);
    OK(bitchat_node_delivered(hosts[0].node, hosts[0].channel, id, devices, &count));
    bitchat_device other;
    OK(bitchat_node_device(hosts[1].node, &other));
    CHECK(count == 1 && memcmp(&other, &devices[0], sizeof other) == 0);

    OK(bitchat_node_messages(hosts[0].node, hosts[0].channel, BITCHAT_PAGE_FIRST, NULL, 100, &messages, &count));
    message.struct_size = sizeof message;
    OK(bitchat_messages_get(messages, 1, &message));
    CHECK(count == 2 && message.text_len == 8 && memcmp(message.text, "good day", 8) == 0);
    CHECK(!message.own && memcmp(&message.author, &other, sizeof other) == 0);
    CHECK(memcmp(message.chain, hosts[0].chain, sizeof message.chain) == 0);
    CHECK(message.content == BITCHAT_CONTENT_TEXT);
    GIVES(BITCHAT_ERR_UNKNOWN, bitchat_messages_get(messages, 2, &message));
    memcpy(id, message.entry_id, sizeof id);
    OK(bitchat_node_messages(hosts[0].node, hosts[0].channel, BITCHAT_PAGE_LAST, NULL, 1, &messages, &count));
    OK(bitchat_messages_get(messages, 0, &message));
    CHECK(count == 1 && memcmp(message.entry_id, id, sizeof id) == 0);
    OK(bitchat_node_messages(hosts[0].node, hosts[0].channel, BITCHAT_PAGE_BEFORE, id, 5, &messages, &count));
    OK(bitchat_messages_get(messages, 0, &message));
    CHECK(count == 1 && message.text_len == 5 && memcmp(message.text, "hello", 5) == 0);
    OK(bitchat_node_messages(hosts[0].node, hosts[0].channel, BITCHAT_PAGE_AFTER, id, 5, &messages, &count));
    CHECK(count == 0);
    id[0] ^= 1;
    GIVES(BITCHAT_ERR_UNKNOWN, bitchat_node_messages(hosts[0].node, hosts[0].channel, BITCHAT_PAGE_AFTER, id, 5, &messages, &count));

    OK(bitchat_node_renew_keys(hosts[0].node, NOW, &count));
    CHECK(count == 1);
    run(2);
    OK(bitchat_node_links(hosts[0].node, &links, &count));
    link.struct_size = sizeof link;
    OK(bitchat_links_get(links, 0, &link));
    CHECK(count == 1 && link.channel_count == 1 && link.generation >= 1 && link.rtt_ns > 0);
    CHECK(link.min_rtt_ns > 0 && link.min_rtt_ns <= link.rtt_ns * 8);
    CHECK(link.rate > 0 && link.window > 0 && link.loss <= 1000);
    OK(bitchat_chatfile_channel_id(chatfile, id));
    CHECK(memcmp(link.channel_ids, id, 20) == 0);
    GIVES(BITCHAT_ERR_UNKNOWN, bitchat_links_get(links, 1, &link));
}

/* Without callbacks for a store a node does without: it forgets, and nothing waits. BC-11.61 */
static void without_store(void) {
    host *it = &hosts[2];
    it->storeless = 1;
    start(it, 3, 4);
    OK(bitchat_node_send_text(it->node, NOW, it->channel, "forgotten", 9, NULL, NULL));
    run(1);
    CHECK(it->messages == 1 && it->failing == 0 && it->record_count == 0);
    OK(bitchat_node_shutdown(it->node, NOW));
    run(1);
    OK(bitchat_node_is_drained(it->node));
    OK(bitchat_node_free(it->node));
    it->node = NULL;
    it->storeless = 0;
}

/* A third has the link only; it comes, and goes again. */
static void by_link(void) {
    host *it = &hosts[2];
    bitchat_chatfile *given = NULL;
    bitchat_error why = {.struct_size = sizeof why};
    bitchat_address there = address_of(1);
    char link[1024], name[64];
    uint8_t id[20], same[20];
    size_t len = sizeof link;

    OK(bitchat_chatfile_link(chatfile, link, &len));
    make(it, 3, 3);
    OK(bitchat_node_join_link(it->node, NOW, link, 0, &it->channel, &why));
    run(1);
    CHECK(it->ready == 0);
    GIVES(BITCHAT_ERR_NOT_READY, bitchat_node_chat_file(it->node, it->channel, &given));
    GIVES(BITCHAT_ERR_NOT_READY,
          bitchat_node_send_text(it->node, NOW, it->channel, "early", 5, NULL, &why));
    CHECK(strstr(why.text, "joined by a link") != NULL);

    OK(bitchat_node_add_peer(it->node, NOW, it->channel, &there, NULL));
    run(3);
    CHECK(it->ready == 1);
    OK(bitchat_node_chat_file(it->node, it->channel, &given));
    OK(bitchat_chatfile_channel_id(chatfile, id));
    OK(bitchat_chatfile_channel_id(given, same));
    len = sizeof name;
    OK(bitchat_chatfile_name(given, name, &len));
    CHECK(memcmp(id, same, sizeof id) == 0 && strlen(name) > 0);
    bitchat_chatfile_free(given);
    OK(bitchat_node_send_text(it->node, NOW, it->channel, "by link", 7, NULL, &why));
    run(2);
    CHECK(strcmp(hosts[0].last, "by link") == 0);
    OK(bitchat_node_free(it->node));
    it->node = NULL;
}

/* It comes back as who it was, knowing what was said, and learns what it missed. */
static void restart(void) {
    bitchat_device before, after;
    bitchat_messages const *messages;
    size_t count;
    OK(bitchat_node_device(hosts[1].node, &before));
    OK(bitchat_node_free(hosts[1].node));
    hosts[1].node = NULL;
    OK(bitchat_node_send_text(hosts[0].node, NOW, hosts[0].channel, "meanwhile", 9, NULL, NULL));
    run(1);
    start(&hosts[1], 2, 77);
    OK(bitchat_node_device(hosts[1].node, &after));
    CHECK(memcmp(&before, &after, sizeof after) == 0);
    run(20);
    OK(bitchat_node_messages(hosts[1].node, hosts[1].channel, BITCHAT_PAGE_FIRST, NULL, 100, &messages, &count));
    CHECK(count == 3 && strcmp(hosts[1].last, "meanwhile") == 0);
}

/* What happened on its links: each trace begins with its head, and only who asked has any. */
static void traces(void) {
    bitchat_qlog record = {.struct_size = sizeof record};
    char trace[128] = "";
    unsigned heads = 0, records = 0;
    while (bitchat_node_poll_qlog(hosts[0].node, &record) == BITCHAT_OK) {
        int begins = strstr(record.text, "\"file_schema\"") != NULL;
        CHECK(record.lost == 0 && record.text[0] == '{' && strlen(record.trace) < sizeof trace);
        CHECK(begins == (strcmp(record.trace, trace) != 0));
        strcpy(trace, record.trace);
        if (begins) heads++;
        records++;
    }
    CHECK(heads >= 1 && records > 50);
    GIVES(BITCHAT_PENDING, bitchat_node_poll_qlog(hosts[0].node, &record));
    GIVES(BITCHAT_PENDING, bitchat_node_poll_qlog(hosts[1].node, &record));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_poll_qlog(hosts[0].node, NULL));
}

static void end(void) {
    bitchat_stats stats;
    stats.struct_size = sizeof stats;
    OK(bitchat_node_stats(hosts[0].node, &stats));
    CHECK(stats.datagrams_in > 5 && stats.datagrams_out > 5 && stats.dropped_auth == 0);
    for (int at = 0; at < 2; at++) OK(bitchat_node_shutdown(hosts[at].node, NOW));
    run(2);
    for (int at = 0; at < 2; at++) {
        OK(bitchat_node_is_drained(hosts[at].node));
        OK(bitchat_node_free(hosts[at].node));
    }
    for (int at = 0; at < HOSTS; at++) {
        while (hosts[at].record_count > 0) {
            stored *last = &hosts[at].records[--hosts[at].record_count];
            free(last->key);
            free(last->value);
        }
    }
    bitchat_chatfile_free(chatfile);
}

int main(void) {
    bitchat_draft draft;
    memset(&draft, 0, sizeof draft);
    draft.struct_size = sizeof draft;
    draft.name = "test";
    OK(bitchat_chatfile_create(&draft, NULL, NULL, &chatfile, NULL));
    start(&hosts[0], 1, 11);
    start(&hosts[1], 2, 22);
    without_store();
    chat();
    restart();
    by_link();
    traces();
    end();
    return 0;
}
