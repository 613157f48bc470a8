/* Bit Chat for C++11 and later: handles that free themselves, and statuses that are thrown. A thin layer
 * over bitchat.h, whose comments say what everything means. MIT OR Apache-2.0. */
#ifndef BITCHAT_HPP
#define BITCHAT_HPP

#include "bitchat.h"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bitchat {

/* A negative status. */
class Error : public std::runtime_error {
public:
    explicit Error(std::int32_t status, const std::string &why = std::string())
        : std::runtime_error(std::string(bitchat_status_name(status)) + ": " +
                             (why.empty() ? bitchat_status_text(status) : why)),
          status_(status) {}
    std::int32_t status() const noexcept { return status_; }

private:
    std::int32_t status_;
};

/* Throws what is negative; whether there was something. */
inline bool check(std::int32_t status) {
    if (status < 0) throw Error(status);
    return status == BITCHAT_OK;
}

/* A zeroed struct with its struct_size. */
template <typename Struct> Struct sized() {
    Struct value = Struct();
    value.struct_size = sizeof(Struct);
    return value;
}

namespace detail {
struct Free {
    void operator()(bitchat_identity *it) const noexcept { bitchat_identity_free(it); }
    void operator()(bitchat_chatfile *it) const noexcept { bitchat_chatfile_free(it); }
};

inline void check_why(std::int32_t status, const bitchat_error &why) {
    if (status < 0) throw Error(status, why.text);
}

/* Calls `get(buffer, length)` as often as it takes. */
template <typename Get> std::string text(Get get) {
    std::vector<char> room(256);
    for (;;) {
        std::size_t len = room.size();
        std::int32_t status = get(room.data(), &len);
        if (status != BITCHAT_ERR_SHORT) {
            check(status);
            return std::string(room.data());
        }
        room.resize(len);
    }
}
} // namespace detail

/* The two clocks of a call. */
struct Time {
    std::uint64_t mono_ns;
    std::uint64_t wall_ms;
};

class Identity {
public:
    static Identity generate() {
        bitchat_identity *made = nullptr;
        check(bitchat_identity_generate(&made));
        return Identity(made);
    }
    static Identity from_secret(const std::uint8_t (&secret)[32]) {
        bitchat_identity *made = nullptr;
        check(bitchat_identity_from_secret(secret, &made));
        return Identity(made);
    }
    const bitchat_identity *get() const noexcept { return handle_.get(); }

private:
    explicit Identity(bitchat_identity *made) : handle_(made) {}
    std::unique_ptr<bitchat_identity, detail::Free> handle_;
};

class Node;

class ChatFile {
public:
    static ChatFile parse(const std::vector<std::uint8_t> &bytes, bool allow_local = false) {
        bitchat_chatfile *made = nullptr;
        bitchat_error why = sized<bitchat_error>();
        detail::check_why(bitchat_chatfile_parse(bytes.data(), bytes.size(), allow_local, &made, &why),
                          why);
        return ChatFile(made);
    }
    static ChatFile create(const bitchat_draft &draft, const Identity *owner = nullptr) {
        bitchat_chatfile *made = nullptr;
        bitchat_error why = sized<bitchat_error>();
        detail::check_why(bitchat_chatfile_create(&draft, owner != nullptr ? owner->get() : nullptr,
                                                  nullptr, &made, &why),
                          why);
        return ChatFile(made);
    }
    std::vector<std::uint8_t> encode() const {
        std::size_t len = 0;
        (void)bitchat_chatfile_encode(get(), nullptr, &len);
        std::vector<std::uint8_t> bytes(len);
        check(bitchat_chatfile_encode(get(), bytes.data(), &len));
        return bytes;
    }
    std::string name() const {
        return detail::text([this](char *out, std::size_t *len) {
            return bitchat_chatfile_name(get(), out, len);
        });
    }
    std::string link() const {
        return detail::text([this](char *out, std::size_t *len) {
            return bitchat_chatfile_link(get(), out, len);
        });
    }
    const bitchat_chatfile *get() const noexcept { return handle_.get(); }

private:
    friend class Node;
    explicit ChatFile(bitchat_chatfile *made) : handle_(made) {}
    std::unique_ptr<bitchat_chatfile, detail::Free> handle_;
};

/* What `Node::dispatch` calls. An exception is kept until the dispatch is over and thrown then; the
 * callbacks behind it are still made, so that nothing is lost. `action` returns whether it knows the kind
 * and offers it; what it does not, and everything without `action`, is answered as not supported. One that
 * throws has taken the action. */
struct Callbacks {
    std::function<void(const bitchat_transmit &)> datagram;
    std::function<bool(const bitchat_action &)> action;
    std::function<void(const bitchat_event &)> event;
    std::function<void(std::uint64_t deadline)> timer;
    std::function<void(const bitchat_log &)> log;
};

namespace detail {
/* A dispatch under way. */
struct Dispatch {
    const Callbacks *callbacks;
    Node *node;          /* where the node is now; null once it has ended */
    bitchat_node *ended; /* is freed when the dispatch is over */
    std::exception_ptr thrown;

    template <typename Call> void run(Call call) noexcept {
        try {
            call();
        } catch (...) {
            if (!thrown) thrown = std::current_exception();
        }
    }
};
} // namespace detail

/* May be moved, and may end, within its own callbacks: its memory goes when the dispatch is over, and the
 * callbacks that are left are still made. */
class Node {
public:
    static bitchat_config config() {
        bitchat_config defaults = sized<bitchat_config>();
        check(bitchat_config_init(&defaults));
        return defaults;
    }
    Node(const bitchat_config &config, const Identity &identity, Time now) {
        bitchat_node *made = nullptr;
        bitchat_error why = sized<bitchat_error>();
        detail::check_why(bitchat_node_new(&config, identity.get(), nullptr, now.mono_ns, now.wall_ms,
                                           &made, &why),
                          why);
        handle_ = made;
    }
    Node(Node &&other) noexcept { take(other); }
    Node &operator=(Node &&other) noexcept {
        if (this != &other) {
            end();
            take(other);
        }
        return *this;
    }
    ~Node() { end(); }
    std::uint32_t join(Time now, const ChatFile &file) {
        std::uint32_t channel = 0;
        bitchat_error why = sized<bitchat_error>();
        detail::check_why(
            bitchat_node_join(get(), now.mono_ns, now.wall_ms, file.get(), &channel, &why), why);
        return channel;
    }
    std::uint32_t join_link(Time now, const std::string &link, bool allow_local = false) {
        std::uint32_t channel = 0;
        bitchat_error why = sized<bitchat_error>();
        detail::check_why(bitchat_node_join_link(get(), now.mono_ns, now.wall_ms, link.c_str(),
                                                 allow_local, &channel, &why),
                          why);
        return channel;
    }
    /* Throws BITCHAT_ERR_NOT_READY until the channel is ready, where it was joined by a link. */
    ChatFile chat_file(std::uint32_t channel) const {
        bitchat_chatfile *made = nullptr;
        check(bitchat_node_chat_file(get(), channel, &made));
        return ChatFile(made);
    }
    void send_text(Time now, std::uint32_t channel, const std::string &text) {
        bitchat_error why = sized<bitchat_error>();
        detail::check_why(bitchat_node_send_text(get(), now.mono_ns, now.wall_ms, channel, text.data(),
                                                 text.size(), nullptr, &why),
                          why);
    }
    void tick(Time now) { check(bitchat_node_tick(get(), now.mono_ns, now.wall_ms)); }
    std::uint64_t deadline() const {
        std::uint64_t at = 0;
        check(bitchat_node_deadline(get(), &at, nullptr));
        return at;
    }
    void dispatch(Time now, const Callbacks &callbacks);
    /* For every other call of bitchat.h. */
    bitchat_node *get() const noexcept { return handle_; }

private:
    void take(Node &other) noexcept {
        handle_ = other.handle_;
        dispatch_ = other.dispatch_;
        other.handle_ = nullptr;
        other.dispatch_ = nullptr;
        if (dispatch_ != nullptr) dispatch_->node = this;
    }
    void end() noexcept {
        if (dispatch_ != nullptr) {
            dispatch_->node = nullptr;
            dispatch_->ended = handle_;
        } else {
            (void)bitchat_node_free(handle_);
        }
        handle_ = nullptr;
        dispatch_ = nullptr;
    }

    bitchat_node *handle_ = nullptr;
    detail::Dispatch *dispatch_ = nullptr;
};

namespace detail {
/* Nothing may be thrown through C. */
extern "C" {
inline void bitchat_hpp_datagram(void *user, const bitchat_transmit *it) noexcept {
    Dispatch *to = static_cast<Dispatch *>(user);
    to->run([to, it] { to->callbacks->datagram(*it); });
}
inline void bitchat_hpp_timer(void *user, std::uint64_t deadline) noexcept {
    Dispatch *to = static_cast<Dispatch *>(user);
    to->run([to, deadline] { to->callbacks->timer(deadline); });
}
inline std::int32_t bitchat_hpp_action(void *user, const bitchat_action *it) noexcept {
    Dispatch *to = static_cast<Dispatch *>(user);
    bool taken = true;
    to->run([to, it, &taken] { taken = to->callbacks->action(*it); });
    return taken ? BITCHAT_OK : BITCHAT_ERR_UNKNOWN;
}
inline void bitchat_hpp_log(void *user, const bitchat_log *it) noexcept {
    Dispatch *to = static_cast<Dispatch *>(user);
    to->run([to, it] { to->callbacks->log(*it); });
}
inline void bitchat_hpp_event(void *user, const bitchat_event *it) noexcept {
    Dispatch *to = static_cast<Dispatch *>(user);
    to->run([to, it] { to->callbacks->event(*it); });
}
}
} // namespace detail

inline void Node::dispatch(Time now, const Callbacks &callbacks) {
    if (dispatch_ != nullptr) throw Error(BITCHAT_ERR_BUSY);
    detail::Dispatch to = {&callbacks, this, nullptr, nullptr};
    bitchat_callbacks all = sized<bitchat_callbacks>();
    if (callbacks.datagram) all.datagram = detail::bitchat_hpp_datagram;
    if (callbacks.action) all.action = detail::bitchat_hpp_action;
    if (callbacks.event) all.event = detail::bitchat_hpp_event;
    if (callbacks.timer) all.timer = detail::bitchat_hpp_timer;
    if (callbacks.log) all.log = detail::bitchat_hpp_log;
    dispatch_ = &to;
    std::int32_t status = bitchat_node_dispatch(get(), now.mono_ns, now.wall_ms, &all, &to);
    /* This object may be gone. */
    if (to.node != nullptr) to.node->dispatch_ = nullptr;
    (void)bitchat_node_free(to.ended);
    check(status);
    if (to.thrown) std::rethrow_exception(to.thrown);
}

} // namespace bitchat

#endif /* BITCHAT_HPP */
