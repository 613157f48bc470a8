// The C++ wrapper: handles free themselves, statuses are thrown, exceptions do not cross C.
#include "bitchat.hpp"

#include <cstdio>
#include <cstdlib>
#include <memory>

#define CHECK(what)                                                         \
    do {                                                                    \
        if (!(what)) {                                                      \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
            std::exit(1);                                                   \
        }                                                                   \
    } while (0)

static void must_throw() {
    std::fputs("nothing was thrown\n", stderr);
    std::exit(1);
}

static const bitchat::Time now = {1000, 1800000000000};

static bitchat::ChatFile channel_file() {
    bitchat_draft draft = bitchat::sized<bitchat_draft>();
    draft.name = "test";
    bitchat::ChatFile made = bitchat::ChatFile::create(draft);
    bitchat::ChatFile read = bitchat::ChatFile::parse(made.encode());
    CHECK(read.name() == "test" && read.link() == made.link());
    return read;
}

static void errors() {
    try {
        bitchat::ChatFile::parse(std::vector<std::uint8_t>(3, 'x'));
        must_throw();
    } catch (const bitchat::Error &error) {
        CHECK(error.status() == BITCHAT_ERR_INVALID);
        CHECK(std::string(error.what()).find(".chat") != std::string::npos);
    }
    bitchat_config config = bitchat::Node::config();
    config.keepalive_ms = 1;
    try {
        bitchat::Node node(config, bitchat::Identity::generate(), now);
        must_throw();
    } catch (const bitchat::Error &error) {
        CHECK(std::string(error.what()).find("keepalive") != std::string::npos);
    }
}

static void links() {
    bitchat::Node node(bitchat::Node::config(), bitchat::Identity::generate(), now);
    try {
        node.join_link(now, "dotchat:join/nonsense");
        must_throw();
    } catch (const bitchat::Error &error) {
        CHECK(std::string(error.what()).find("typing error") != std::string::npos);
    }
    std::uint32_t channel = node.join_link(now, channel_file().link());
    try {
        node.chat_file(channel);
        must_throw();
    } catch (const bitchat::Error &error) {
        CHECK(error.status() == BITCHAT_ERR_NOT_READY);
    }
    std::uint32_t known = node.join(now, channel_file());
    CHECK(node.chat_file(known).name() == "test");
}

static void dispatching() {
    bitchat::Node node(bitchat::Node::config(), bitchat::Identity::generate(), now);
    std::uint32_t channel = node.join(now, channel_file());
    std::vector<std::pair<std::int32_t, std::uint64_t>> asked;
    std::vector<std::int32_t> told;
    bitchat::Callbacks callbacks;
    bool timer = false;
    callbacks.datagram = [](const bitchat_transmit &) {};
    callbacks.timer = [&](std::uint64_t) { timer = true; };
    callbacks.action = [&](const bitchat_action &it) {
        if (it.kind == BITCHAT_ACTION_BIND_UDP && it.family == BITCHAT_FAMILY_V6) return false;
        asked.emplace_back(it.kind, it.request);
        return true;
    };
    callbacks.event = [&](const bitchat_event &it) {
        told.push_back(it.kind);
        throw std::runtime_error("from a callback");
    };
    bool caught = false;
    for (int round = 0; round < 10; round++) {
        try {
            node.dispatch(now, callbacks);
        } catch (const std::runtime_error &error) {
            caught = caught || std::string(error.what()) == "from a callback";
        }
        for (const auto &it : asked) {
            if (it.first == BITCHAT_ACTION_LOAD)
                bitchat::check(bitchat_node_loaded(node.get(), now.mono_ns, now.wall_ms, it.second,
                                                   nullptr, 0, 0));
            else if (it.first == BITCHAT_ACTION_PERSIST)
                bitchat::check(bitchat_node_persisted(node.get(), now.mono_ns, now.wall_ms, it.second));
            else
                bitchat::check(bitchat_node_failed(node.get(), now.mono_ns, now.wall_ms, it.second,
                                                   "no network"));
        }
        asked.clear();
        if (round == 5) node.send_text(now, channel, "hello");
    }
    bool ready = false, said = false, refused = false;
    for (std::int32_t kind : told) {
        refused = refused || kind == BITCHAT_EVENT_NODE_LISTEN_FAILED;
        ready = ready || kind == BITCHAT_EVENT_CHANNEL_READY;
        said = said || kind == BITCHAT_EVENT_CHANNEL_MESSAGE;
    }
    CHECK(caught && timer && ready && said && refused);
    node.tick(now);
    CHECK(node.deadline() > 0);
    bitchat::Node moved = std::move(node);
    moved.tick(now);
}

/* A node may end, or be replaced, within its own callbacks: its memory goes when the dispatch is over. */
static void ending_within() {
    bitchat::Callbacks callbacks;
    callbacks.datagram = [](const bitchat_transmit &) {};
    std::unique_ptr<bitchat::Node> node(
        new bitchat::Node(bitchat::Node::config(), bitchat::Identity::generate(), now));
    callbacks.action = [&](const bitchat_action &) {
        node.reset();
        return true;
    };
    node->dispatch(now, callbacks);
    CHECK(!node);

    bitchat::Node other(bitchat::Node::config(), bitchat::Identity::generate(), now);
    callbacks.action = [&](const bitchat_action &it) {
        if (it.kind != BITCHAT_ACTION_BIND_UDP || it.family != BITCHAT_FAMILY_V4) return true;
        other = bitchat::Node(bitchat::Node::config(), bitchat::Identity::generate(), now);
        return true;
    };
    other.dispatch(now, callbacks);
    other.tick(now);

    bitchat::Node first(bitchat::Node::config(), bitchat::Identity::generate(), now);
    callbacks.action = [&](const bitchat_action &) {
        if (!node) node.reset(new bitchat::Node(std::move(first)));
        try {
            node->dispatch(now, callbacks);
            must_throw();
        } catch (const bitchat::Error &error) {
            CHECK(error.status() == BITCHAT_ERR_BUSY);
        }
        return true;
    };
    first.dispatch(now, callbacks);
    node->tick(now);
    node.reset();
}

int main() {
    errors();
    links();
    dispatching();
    ending_within();
    return 0;
}
