/* Every call made wrongly: NULL, short, huge, out of range, stale, in the wrong order. Each gives its
 * status, and the node goes on. */
#include "check.h"

#define NOW 1000, 1800000000000

static bitchat_identity *identity;
static bitchat_node *node;
static bitchat_chatfile *chatfile;

static void chatfiles(void) {
    const char *tracker[] = {"http://127.0.0.1:1/announce", "nonsense"};
    uint8_t bytes[4096], id[20];
    char text[512];
    size_t len = sizeof bytes;
    bitchat_chatfile *again = NULL;
    bitchat_draft draft;
    bitchat_error why;
    why.struct_size = sizeof why;
    memset(&draft, 0, sizeof draft);

    GIVES(BITCHAT_ERR_INVALID, bitchat_chatfile_create(&draft, NULL, NULL, &chatfile, &why));
    draft.struct_size = sizeof draft;
    GIVES(BITCHAT_ERR_NULL, bitchat_chatfile_create(&draft, NULL, NULL, &chatfile, &why));
    draft.name = "test";
    draft.trackers = tracker;
    draft.tracker_count = 2;
    GIVES(BITCHAT_ERR_INVALID, bitchat_chatfile_create(&draft, NULL, NULL, &chatfile, &why));
    CHECK(strlen(why.text) > 5);
    draft.tracker_count = SIZE_MAX;
    GIVES(BITCHAT_ERR_INVALID, bitchat_chatfile_create(&draft, NULL, NULL, &chatfile, &why));
    draft.tracker_count = 1;
    draft.access = 9;
    GIVES(BITCHAT_ERR_INVALID, bitchat_chatfile_create(&draft, NULL, NULL, &chatfile, &why));
    draft.access = BITCHAT_ACCESS_KEYED;
    draft.history = -1;
    GIVES(BITCHAT_ERR_INVALID, bitchat_chatfile_create(&draft, NULL, NULL, &chatfile, &why));
    draft.history = BITCHAT_HISTORY_DAYS;
    draft.history_amount = 30;
    draft.rotate = 2;
    GIVES(BITCHAT_ERR_INVALID, bitchat_chatfile_create(&draft, NULL, NULL, &chatfile, &why));
    draft.rotate = 1;
    GIVES(BITCHAT_ERR_NULL, bitchat_chatfile_create(NULL, NULL, NULL, &chatfile, &why));
    GIVES(BITCHAT_ERR_NULL, bitchat_chatfile_create(&draft, NULL, NULL, NULL, &why));
    why.struct_size = 7;
    GIVES(BITCHAT_ERR_INVALID, bitchat_chatfile_create(&draft, NULL, NULL, &chatfile, &why));
    why.struct_size = sizeof why;
    CHECK(chatfile == NULL);
    OK(bitchat_chatfile_create(&draft, identity, NULL, &chatfile, &why));

    OK(bitchat_chatfile_encode(chatfile, bytes, &len));
    CHECK(len > 100 && len < sizeof bytes);
    size_t room = len - 1;
    GIVES(BITCHAT_ERR_SHORT, bitchat_chatfile_encode(chatfile, bytes, &room));
    CHECK(room == len);
    GIVES(BITCHAT_ERR_NULL, bitchat_chatfile_encode(chatfile, NULL, &room));
    GIVES(BITCHAT_ERR_NULL, bitchat_chatfile_encode(chatfile, bytes, NULL));
    GIVES(BITCHAT_ERR_NULL, bitchat_chatfile_encode(NULL, bytes, &room));
    OK(bitchat_chatfile_encode(chatfile, bytes, &room));

    /* Its tracker is on this machine: a stranger's file may not say that. */
    GIVES(BITCHAT_ERR_INVALID, bitchat_chatfile_parse(bytes, len, 0, &again, &why));
    CHECK(strstr(why.text, "127.0.0.1") != NULL && again == NULL);
    GIVES(BITCHAT_ERR_INVALID, bitchat_chatfile_parse(bytes, len, 2, &again, NULL));
    GIVES(BITCHAT_ERR_INVALID, bitchat_chatfile_parse(bytes, len - 1, 1, &again, NULL));
    GIVES(BITCHAT_ERR_INVALID, bitchat_chatfile_parse(bytes, 0, 1, &again, &why));
    GIVES(BITCHAT_ERR_INVALID, bitchat_chatfile_parse(NULL, 0, 1, &again, &why));
    GIVES(BITCHAT_ERR_INVALID, bitchat_chatfile_parse(bytes, SIZE_MAX, 1, &again, &why));
    GIVES(BITCHAT_ERR_NULL, bitchat_chatfile_parse(NULL, len, 1, &again, &why));
    GIVES(BITCHAT_ERR_NULL, bitchat_chatfile_parse(bytes, len, 1, NULL, &why));
    OK(bitchat_chatfile_parse(bytes, len, 1, &again, NULL));

    len = sizeof text;
    OK(bitchat_chatfile_name(again, text, &len));
    CHECK(strcmp(text, "test") == 0 && len == 5);
    len = 4;
    GIVES(BITCHAT_ERR_SHORT, bitchat_chatfile_name(again, text, &len));
    CHECK(len == 5);
    len = sizeof text;
    OK(bitchat_chatfile_link(again, text, &len));
    CHECK(strncmp(text, "dotchat:join/", 13) == 0);
    OK(bitchat_chatfile_channel_id(again, id));
    GIVES(BITCHAT_ERR_NULL, bitchat_chatfile_channel_id(again, NULL));
    GIVES(BITCHAT_ERR_NULL, bitchat_chatfile_channel_id(NULL, id));
    GIVES(BITCHAT_ERR_NULL, bitchat_chatfile_name(NULL, text, &len));
    GIVES(BITCHAT_ERR_NULL, bitchat_chatfile_link(NULL, text, &len));
    bitchat_chatfile_free(again);
    bitchat_chatfile_free(NULL);
}

static void making(void) {
    bitchat_config config;
    bitchat_limits limits;
    bitchat_log log = {.struct_size = sizeof log};
    bitchat_draft draft = {.struct_size = sizeof draft};
    bitchat_chatfile *file;
    uint32_t channel;
    bitchat_error why;
    bitchat_node *none = NULL;
    why.struct_size = sizeof why;
    memset(&config, 0, sizeof config);
    GIVES(BITCHAT_ERR_INVALID, bitchat_config_init(&config));
    GIVES(BITCHAT_ERR_NULL, bitchat_config_init(NULL));
    config.struct_size = SIZE_MAX;
    GIVES(BITCHAT_ERR_INVALID, bitchat_config_init(&config));
    config.struct_size = sizeof config;
    OK(bitchat_config_init(&config));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_new(&config, NULL, NULL, NOW, &none, &why));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_new(&config, identity, NULL, NOW, NULL, &why));
    config.keepalive_ms = UINT64_MAX;
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_new(&config, identity, NULL, NOW, &none, &why));
    CHECK(strstr(why.text, "keepalive") != NULL && none == NULL);
    OK(bitchat_config_init(&config));
    config.store = 2;
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_new(&config, identity, NULL, NOW, &none, &why));
    OK(bitchat_config_init(&config));
    config.crypto = BITCHAT_CRYPTO_AWS_LC + 1;
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_new(&config, identity, NULL, NOW, &none, NULL));
    OK(bitchat_config_init(&config));
    config.clock = BITCHAT_CLOCK_RUNS_IN_SLEEP + 1;
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_new(&config, identity, NULL, NOW, &none, &why));
    CHECK(strstr(why.text, "clock") != NULL);
    OK(bitchat_config_init(&config));
    config.reserved_2[0] = 1;
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_new(&config, identity, NULL, NOW, &none, NULL));
    OK(bitchat_config_init(&config));
    config.ipv4 = 0;
    config.ipv6 = 0;
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_new(&config, identity, NULL, NOW, &none, NULL));
    OK(bitchat_config_init(&config));
    config.log = 5;
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_new(&config, identity, NULL, NOW, &none, &why));
    CHECK(strstr(why.text, "log") != NULL);
    limits.struct_size = sizeof limits - 1;
    GIVES(BITCHAT_ERR_INVALID, bitchat_limits_init(&limits));
    GIVES(BITCHAT_ERR_NULL, bitchat_limits_init(NULL));
    limits.struct_size = sizeof limits;
    OK(bitchat_limits_init(&limits));
    OK(bitchat_config_init(&config));
    config.limits = &limits;
    limits.authors = 0;
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_new(&config, identity, NULL, NOW, &none, &why));
    CHECK(strcmp(why.text, "limits.authors: choose 1 to 1_048_576") == 0);
    OK(bitchat_limits_init(&limits));
    limits.trackers = UINT64_MAX;
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_new(&config, identity, NULL, NOW, &none, &why));
    CHECK(strstr(why.text, "limits.trackers") != NULL && none == NULL);
    /* A limit does what it says: the second channel is one too many. */
    OK(bitchat_limits_init(&limits));
    limits.channels = 1;
    OK(bitchat_node_new(&config, identity, NULL, NOW, &none, &why));
    draft.name = "one";
    OK(bitchat_chatfile_create(&draft, NULL, NULL, &file, NULL));
    OK(bitchat_node_join(none, NOW, file, &channel, NULL));
    bitchat_chatfile_free(file);
    OK(bitchat_chatfile_create(&draft, NULL, NULL, &file, NULL));
    GIVES(BITCHAT_ERR_TOO_MANY, bitchat_node_join(none, NOW, file, &channel, &why));
    CHECK(strstr(why.text, "leave one first") != NULL);
    bitchat_chatfile_free(file);
    OK(bitchat_node_free(none));
    /* A program that was built before these fields: what it does not know has its default. */
    OK(bitchat_config_init(&config));
    config.struct_size = offsetof(bitchat_config, log);
    config.log = -1;
    config.limits = NULL;
    OK(bitchat_node_new(&config, identity, NULL, NOW, &none, &why));
    GIVES(BITCHAT_PENDING, bitchat_node_poll_log(none, &log));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_poll_log(none, NULL));
    log.struct_size = 0;
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_poll_log(none, &log));
    OK(bitchat_node_free(none));
    config.struct_size = sizeof config;
    OK(bitchat_node_new(NULL, identity, NULL, NOW, &none, NULL));
    OK(bitchat_node_free(none));
    OK(bitchat_node_free(NULL));
    OK(bitchat_config_init(&config));
    OK(bitchat_node_new(&config, identity, NULL, NOW, &node, &why));
}

static void null_nodes(void) {
    bitchat_chatfile *file;
    uint8_t bytes[64] = {0};
    uint64_t deadline;
    uint32_t channel;
    size_t count = 0;
    bitchat_address address = {BITCHAT_FAMILY_V4, 0, 1, {1, 2, 3, 4}};
    bitchat_action action = {.struct_size = sizeof action};
    bitchat_event event = {.struct_size = sizeof event};
    bitchat_transmit transmit = {.struct_size = sizeof transmit};
    bitchat_stats stats = {.struct_size = sizeof stats};
    bitchat_dht_stats dht = {.struct_size = sizeof dht};
    bitchat_change change = {.struct_size = sizeof change};
    bitchat_message message = {.struct_size = sizeof message};
    bitchat_link link = {.struct_size = sizeof link};
    bitchat_callbacks callbacks = {.struct_size = sizeof callbacks};
    bitchat_datagram datagram = {.struct_size = sizeof datagram};
    bitchat_device device;
    const bitchat_messages *messages;
    const bitchat_links *links;
    const int32_t none = BITCHAT_ERR_NULL;

    GIVES(none, bitchat_node_tick(NULL, NOW));
    GIVES(none, bitchat_node_deadline(NULL, &deadline, NULL));
    GIVES(none, bitchat_node_poll_transmit(NULL, NOW, 1, bytes, sizeof bytes, &transmit));
    GIVES(none, bitchat_node_poll_action(NULL, &action));
    GIVES(none, bitchat_node_poll_event(NULL, &event));
    GIVES(none, bitchat_node_dispatch(NULL, NOW, &callbacks, NULL));
    GIVES(none, bitchat_node_datagram(NULL, NOW, &datagram));
    GIVES(none, bitchat_node_bound(NULL, NOW, 0, 0, &address));
    GIVES(none, bitchat_node_interfaces(NULL, NOW, &address, 1));
    GIVES(none, bitchat_node_resumed(NULL, NOW));
    GIVES(none, bitchat_node_resolved(NULL, NOW, 0, &address, 1));
    GIVES(none, bitchat_node_opened(NULL, NOW, 0, 0));
    GIVES(none, bitchat_node_readable(NULL, NOW, 0, bytes, 1));
    GIVES(none, bitchat_node_closed(NULL, NOW, 0));
    GIVES(none, bitchat_node_persisted(NULL, NOW, 0));
    GIVES(none, bitchat_node_loaded(NULL, NOW, 0, NULL, 0, 0));
    GIVES(none, bitchat_node_failed(NULL, NOW, 0, NULL));
    GIVES(none, bitchat_node_join(NULL, NOW, chatfile, &channel, NULL));
    GIVES(none, bitchat_node_join_link(NULL, NOW, "magnet:?", 0, &channel, NULL));
    GIVES(none, bitchat_node_chat_file(NULL, 0, &file));
    GIVES(none, bitchat_node_leave(NULL, NOW, 0));
    GIVES(none, bitchat_node_send_text(NULL, NOW, 0, "x", 1, NULL, NULL));
    GIVES(none, bitchat_node_add_peer(NULL, NOW, 0, &address, NULL));
    GIVES(none, bitchat_node_renew_keys(NULL, NOW, &count));
    GIVES(none, bitchat_node_reseed(NULL, NOW, NULL));
    GIVES(none, bitchat_node_shutdown(NULL, NOW));
    GIVES(none, bitchat_node_is_drained(NULL));
    GIVES(none, bitchat_node_device(NULL, &device));
    GIVES(none, bitchat_node_messages(NULL, 0, BITCHAT_PAGE_FIRST, NULL, 100, &messages, &count));
    GIVES(none, bitchat_node_links(NULL, &links, &count));
    GIVES(none, bitchat_node_delivered(NULL, 0, bytes, &device, &count));
    GIVES(none, bitchat_node_stats(NULL, &stats));
    GIVES(none, bitchat_node_dht_stats(NULL, &dht));
    GIVES(none, bitchat_node_dht_nodes(NULL, &address, &count));
    GIVES(none, bitchat_changes_get(NULL, 0, &change));
    GIVES(none, bitchat_messages_get(NULL, 0, &message));
    GIVES(none, bitchat_links_get(NULL, 0, &link));
}

static bitchat_datagram datagram_of(uint8_t *data, size_t len, const bitchat_address *from) {
    bitchat_datagram datagram = {.struct_size = sizeof datagram};
    datagram.data = data;
    datagram.len = len;
    datagram.from = *from;
    return datagram;
}

static void arguments(void) {
    static uint8_t large[65507];
    bitchat_chatfile *file;
    bitchat_error why = {.struct_size = sizeof why};
    uint8_t bytes[1200] = {0};
    size_t count = 0;
    uint32_t channel = 99;
    bitchat_address good = {BITCHAT_FAMILY_V4, 0, 1, {1, 2, 3, 4}}, bad = {7, 0, 1, {0}};
    bitchat_action action = {0};
    bitchat_event event = {0};
    bitchat_transmit transmit = {0};
    bitchat_stats stats = {.struct_size = 1};
    bitchat_callbacks callbacks = {.struct_size = sizeof callbacks};
    bitchat_datagram datagram = {0};
    bitchat_record records[2] = {{sizeof records[0], bytes, 1, bytes, 1, 0, 0, 0}, {0}};
    const bitchat_messages *messages;

    GIVES(BITCHAT_ERR_NULL, bitchat_node_deadline(node, NULL, NULL));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_datagram(node, NOW, NULL));
    for (size_t size = 0; size < sizeof datagram; size++) {
        datagram.struct_size = size;
        GIVES(BITCHAT_ERR_INVALID, bitchat_node_datagram(node, NOW, &datagram));
    }
    datagram = datagram_of(NULL, 1, &good);
    GIVES(BITCHAT_ERR_NULL, bitchat_node_datagram(node, NOW, &datagram));
    datagram = datagram_of(bytes, 1, &bad);
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_datagram(node, NOW, &datagram));
    datagram = datagram_of(bytes, SIZE_MAX, &good);
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_datagram(node, NOW, &datagram));
    datagram = datagram_of(bytes, 1, &good);
    datagram.ecn = 4;
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_datagram(node, NOW, &datagram));
    datagram = datagram_of(NULL, 0, &good);
    datagram.ecn = BITCHAT_ECN_CE;
    OK(bitchat_node_datagram(node, NOW, &datagram));
    datagram.local = bad;
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_datagram(node, NOW, &datagram));
    datagram.local = good;
    OK(bitchat_node_datagram(node, NOW, &datagram));
    datagram = datagram_of(bytes, sizeof bytes, &good);
    datagram.socket = 4000000000;
    datagram.stride = 1;
    OK(bitchat_node_datagram(node, NOW, &datagram));
    datagram.stride = SIZE_MAX;
    OK(bitchat_node_datagram(node, NOW, &datagram));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_bound(node, NOW, 0, 0, NULL));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_bound(node, NOW, 0, 0, &bad));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_interfaces(node, NOW, NULL, 1));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_interfaces(node, NOW, &bad, 1));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_interfaces(node, NOW, &good, SIZE_MAX / 2));
    OK(bitchat_node_interfaces(node, NOW, NULL, 0));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_resolved(node, NOW, 9, NULL, 1));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_readable(node, NOW, 0, NULL, 1));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_readable(node, NOW, 0, bytes, SIZE_MAX));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_failed(node, NOW, 99, "\xff"));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_loaded(node, NOW, 99, NULL, 1, 0));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_loaded(node, NOW, 99, records, 1, 2));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_loaded(node, NOW, 99, records, 2, 0));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_loaded(node, NOW, 99, records, SIZE_MAX, 0));
    records[0].key = NULL;
    GIVES(BITCHAT_ERR_NULL, bitchat_node_loaded(node, NOW, 99, records, 1, 0));

    /* Nothing is taken out of the node by a call that cannot give it. */
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_poll_action(node, &action));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_poll_action(node, NULL));
    action.struct_size = sizeof action;
    OK(bitchat_node_poll_action(node, &action));
    CHECK(action.kind == BITCHAT_ACTION_BIND_UDP && action.family == BITCHAT_FAMILY_V4);
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_poll_event(node, &event));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_poll_event(node, NULL));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_poll_transmit(node, NOW, 1, bytes, 100, &transmit));
    transmit.struct_size = sizeof transmit;
    GIVES(BITCHAT_ERR_NULL, bitchat_node_poll_transmit(node, NOW, 1, NULL, 100, &transmit));
    GIVES(BITCHAT_ERR_SHORT, bitchat_node_poll_transmit(node, NOW, 1, bytes, 100, &transmit));
    CHECK(transmit.len == 65507);
    GIVES(BITCHAT_PENDING, bitchat_node_poll_transmit(node, NOW, SIZE_MAX, large, sizeof large, &transmit));

    GIVES(BITCHAT_ERR_NULL, bitchat_node_join(node, NOW, NULL, &channel, NULL));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_join(node, NOW, chatfile, NULL, NULL));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_join_link(node, NOW, NULL, 0, &channel, NULL));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_join_link(node, NOW, "magnet:?", 0, NULL, NULL));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_join_link(node, NOW, "magnet:?", 2, &channel, NULL));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_join_link(node, NOW, "\xff", 0, &channel, &why));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_join_link(node, NOW, "http://a", 0, &channel, &why));
    CHECK(strstr(why.text, "dotchat:join/") != NULL);
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_join_link(node, NOW, "dotchat:join/a", 0, &channel, &why));
    CHECK(strstr(why.text, "typing error") != NULL);
    why.struct_size = 1;
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_join_link(node, NOW, "http://a", 0, &channel, &why));
    why.struct_size = sizeof why;
    GIVES(BITCHAT_ERR_UNKNOWN, bitchat_node_chat_file(node, 99, &file));
    GIVES(BITCHAT_ERR_UNKNOWN, bitchat_node_leave(node, NOW, 99));
    GIVES(BITCHAT_ERR_UNKNOWN, bitchat_node_send_text(node, NOW, 99, "x", 1, NULL, &why));
    CHECK(strlen(why.text) > 10);
    GIVES(BITCHAT_ERR_NULL, bitchat_node_send_text(node, NOW, 99, NULL, 0, NULL, NULL));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_send_text(node, NOW, 99, "\xff", 1, NULL, NULL));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_send_text(node, NOW, 99, "x", SIZE_MAX, NULL, NULL));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_add_peer(node, NOW, 99, NULL, NULL));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_add_peer(node, NOW, 99, &bad, NULL));
    GIVES(BITCHAT_ERR_UNKNOWN, bitchat_node_add_peer(node, NOW, 99, &good, bytes));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_device(node, NULL) == BITCHAT_PENDING
                                ? BITCHAT_ERR_NULL : BITCHAT_OK);
    GIVES(BITCHAT_ERR_NULL, bitchat_node_messages(node, 99, BITCHAT_PAGE_FIRST, NULL, 100, NULL, &count));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_messages(node, 99, 4, NULL, 100, &messages, &count));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_messages(node, 99, BITCHAT_PAGE_AFTER, NULL, 100, &messages, &count));
    GIVES(BITCHAT_ERR_UNKNOWN, bitchat_node_messages(node, 99, BITCHAT_PAGE_FIRST, NULL, 100, &messages, &count));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_links(node, NULL, &count));
    GIVES(BITCHAT_ERR_UNKNOWN, bitchat_node_delivered(node, 99, bytes, NULL, &count));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_delivered(node, 99, NULL, NULL, &count));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_stats(node, &stats));
    GIVES(BITCHAT_PENDING, bitchat_node_dht_stats(node, NULL));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_dht_nodes(node, NULL, NULL));
    count = 0;
    GIVES(BITCHAT_OK, bitchat_node_dht_nodes(node, NULL, &count));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_dispatch(node, NOW, NULL, NULL));
    GIVES(BITCHAT_ERR_NULL, bitchat_node_dispatch(node, NOW, &callbacks, NULL));
    callbacks.struct_size = 16;
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_dispatch(node, NOW, &callbacks, NULL));
}

static void order(void) {
    uint32_t channel, again;
    bitchat_address address = {BITCHAT_FAMILY_V6, 0, 1, {0x20, 1}};
    bitchat_action action = {.struct_size = sizeof action};
    const char *reason;
    uint64_t deadline;
    char longest[65537];
    size_t len;
    bitchat_chatfile *file;
    bitchat_error why = {.struct_size = sizeof why};
    memset(longest, 'x', sizeof longest);

    OK(bitchat_node_join(node, NOW, chatfile, &channel, NULL));
    GIVES(BITCHAT_ERR_JOINED, bitchat_node_join(node, NOW, chatfile, &again, &why));
    CHECK(strcmp(why.text, "this node is in the channel already") == 0);
    len = sizeof longest;
    OK(bitchat_chatfile_link(chatfile, longest, &len));
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_join_link(node, NOW, longest, 0, &again, &why));
    CHECK(strstr(why.text, "127.0.0.1") != NULL);
    GIVES(BITCHAT_ERR_JOINED, bitchat_node_join_link(node, NOW, longest, 1, &again, NULL));
    memset(longest, 'x', sizeof longest);
    GIVES(BITCHAT_ERR_NULL, bitchat_node_chat_file(node, channel, NULL));
    OK(bitchat_node_chat_file(node, channel, &file));
    bitchat_chatfile_free(file);
    GIVES(BITCHAT_ERR_NOT_READY, bitchat_node_send_text(node, NOW, channel, "x", 1, NULL, NULL));
    OK(bitchat_node_add_peer(node, NOW, channel, &address, NULL));

    /* Answers to questions that nobody asked, or that are answered already. */
    for (uint64_t request = 1000; request < 1010; request++) {
        OK(bitchat_node_bound(node, NOW, request, 1, &address));
        OK(bitchat_node_opened(node, NOW, request, request));
        OK(bitchat_node_persisted(node, NOW, request));
        OK(bitchat_node_loaded(node, NOW, request, NULL, 0, 1));
        OK(bitchat_node_failed(node, NOW, request, NULL));
        OK(bitchat_node_closed(node, NOW, request));
        OK(bitchat_node_readable(node, NOW, request, (const uint8_t *)"x", 1));
    }
    while (bitchat_node_poll_action(node, &action) == BITCHAT_OK) {
        if (action.kind == BITCHAT_ACTION_LOAD)
            OK(bitchat_node_loaded(node, NOW, action.request, NULL, 0, 0));
        else if (action.kind == BITCHAT_ACTION_PERSIST)
            OK(bitchat_node_persisted(node, NOW, action.request));
        else if (action.request != BITCHAT_NO_REQUEST)
            OK(bitchat_node_failed(node, NOW, action.request, "not here"));
    }
    GIVES(BITCHAT_ERR_INVALID, bitchat_node_send_text(node, NOW, channel, "", 0, NULL, NULL));
    GIVES(BITCHAT_ERR_INVALID,
          bitchat_node_send_text(node, NOW, channel, longest, sizeof longest, NULL, &why));
    CHECK(strstr(why.text, "65") != NULL);
    OK(bitchat_node_send_text(node, NOW, channel, longest, sizeof longest - 1, NULL, NULL));
    OK(bitchat_node_deadline(node, &deadline, &reason));
    CHECK(deadline == BITCHAT_NO_DEADLINE ? strlen(reason) == 0 : strlen(reason) > 0);

    /* Time that stands still, goes back, or ends. */
    OK(bitchat_node_tick(node, 0, 0));
    OK(bitchat_node_tick(node, 5000000000, 1));
    OK(bitchat_node_tick(node, 1, UINT64_MAX));
    OK(bitchat_node_tick(node, UINT64_MAX, UINT64_MAX));

    OK(bitchat_node_leave(node, NOW, channel));
    GIVES(BITCHAT_ERR_UNKNOWN, bitchat_node_leave(node, NOW, channel));
    GIVES(BITCHAT_ERR_UNKNOWN, bitchat_node_send_text(node, NOW, channel, "x", 1, NULL, NULL));
    OK(bitchat_node_reseed(node, NOW, NULL));
    OK(bitchat_node_renew_keys(node, NOW, NULL));
    OK(bitchat_node_shutdown(node, NOW));
    OK(bitchat_node_shutdown(node, NOW));
    GIVES(BITCHAT_ERR_SHUTTING_DOWN, bitchat_node_join(node, NOW, chatfile, &channel, NULL));
}

int main(void) {
    OK(bitchat_identity_generate(&identity));
    chatfiles();
    making();
    null_nodes();
    arguments();
    order();
    OK(bitchat_node_free(node));
    bitchat_chatfile_free(chatfile);
    bitchat_identity_free(identity);
    return 0;
}
