/* Servers. A part of tenon.hpp, which is what programs include. */

#ifndef TENON_SERVER_HPP
#define TENON_SERVER_HPP

#include <tenon.h>
#include <tenon/base.hpp>
#include <tenon/call.hpp>
#include <tenon/entry.hpp>
#include <tenon/http.hpp>
#include <tenon/settings.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tenon {

/** The result of Server::poll(). */
struct Polled {
    std::uint32_t handled;
    /** The server has ended, and nothing is left to do. */
    bool ended;
};

/** A permit of Server::breaker_allow(), or how long none is given. */
struct BreakerPermit {
    std::uint64_t number;
    /** The time until a call may pass; zero if this one may. */
    std::chrono::milliseconds wait;
};

using Log = std::function<void(tenon_log_level level, std::string_view target, std::string_view message)>;
using ThreadStart = std::function<void(std::string_view name)>;

/** An MCP server. Any thread may use it, also several threads at once. Its destructor waits for callbacks that run. */
class Server {
public:
    Server(std::string_view name, std::string_view version) { make(name, version); }
    /** A server with settings. A name and a version that are given replace those of the settings. */
    explicit Server(
        const Settings &settings, std::optional<std::string_view> name = std::nullopt,
        std::optional<std::string_view> version = std::nullopt) {
        make(name, version);
        set_settings(settings);
    }

    Server &set_instructions(std::string_view text) {
        return done(tenon_server_set_instructions(get(), detail::Text(text)), "tenon_server_set_instructions");
    }
    Server &set(std::string_view member, std::string_view json) {
        return done(
            tenon_server_set(get(), detail::Text(member), detail::data(json), json.size()), "tenon_server_set");
    }
    Server &set_settings(const Settings &settings) {
        return done(tenon_server_set_settings(get(), settings.get()), "tenon_server_set_settings");
    }
    /** The settings that the server has been given, if any. */
    std::optional<Settings> settings() const {
        tenon_settings *found = tenon_server_settings(get());
        return found == nullptr ? std::nullopt : std::optional<Settings>(Settings(found));
    }
    Server &add_extension(std::string_view id, std::string_view settings = "{}") {
        return done(
            tenon_server_add_extension(get(), detail::Text(id), detail::data(settings), settings.size()),
            "tenon_server_add_extension");
    }
    Server &set_limit(tenon_limit limit, std::uint64_t value) {
        return done(tenon_server_set_limit(get(), limit, value), "tenon_server_set_limit");
    }
    Server &add_state_key(const std::array<std::uint8_t, 32> &key) {
        return done(tenon_server_add_state_key(get(), key.data()), "tenon_server_add_state_key");
    }
    Server &set_worker_threads(std::uint32_t count) {
        return done(tenon_server_set_worker_threads(get(), count), "tenon_server_set_worker_threads");
    }
    Server &set_signals(bool signals) {
        return done(tenon_server_set_signals(get(), signals), "tenon_server_set_signals");
    }
    /** Exceptions of the function are dropped. */
    Server &set_log(Log log) {
        const auto say = [](void *data, tenon_log_level level, const char *target, const char *message) noexcept {
            try {
                (*static_cast<Log *>(data))(level, target, message);
            } catch (...) {
            }
        };
        auto kept = std::make_unique<Log>(std::move(log));
        return done(
            tenon_server_set_log(get(), say, kept.release(), detail::destroy<Log>), "tenon_server_set_log");
    }
    /** Exceptions of the function are dropped. */
    Server &set_thread_start(ThreadStart hook) {
        const auto begin = [](void *data, const char *name) noexcept {
            try {
                (*static_cast<ThreadStart *>(data))(name);
            } catch (...) {
            }
        };
        auto kept = std::make_unique<ThreadStart>(std::move(hook));
        return done(
            tenon_server_set_thread_start(get(), begin, kept.release(), detail::destroy<ThreadStart>),
            "tenon_server_set_thread_start");
    }

    /** `submit` gets each operation as a call, see tenon_server_set_store(). It completes the call with the reply, or
     * returns it, as a handler does. */
    template <typename Function> Server &set_store(Function submit, tenon_mode mode = TENON_MODE_WORKER) {
        return done(
            tenon_server_set_store(
                get(), mode, detail::handle, detail::handler(std::move(submit)).release(), detail::destroy<Handler>),
            "tenon_server_set_store");
    }

    /** `verifier` gets credentials as a call, see tenon_server_set_verifier(). It completes the call with the principal, or
     * returns it, as a handler does. `headers` is a JSON array of the names of headers. */
    template <typename Function> Server &set_verifier(
        Function verifier, std::string_view headers = "[]", tenon_mode mode = TENON_MODE_WORKER) {
        return checked(
            tenon_server_set_verifier, detail::data(headers), headers.size(), mode, detail::handle,
            detail::handler(std::move(verifier)).release(), detail::destroy<Handler>);
    }
    /** `authorizer` gets each call as arguments, see tenon_server_set_authorizer(), and returns true, false or a reason. */
    template <typename Function> Server &set_authorizer(Function authorizer, tenon_mode mode = TENON_MODE_WORKER) {
        return checked(
            tenon_server_set_authorizer, mode, detail::handle, detail::handler(std::move(authorizer)).release(),
            detail::destroy<Handler>);
    }
    /** `visible` gets a caller and an entry as arguments, see tenon_server_set_visible(), and returns true or false. */
    template <typename Function> Server &set_visible(Function visible, tenon_mode mode = TENON_MODE_WORKER) {
        return checked(
            tenon_server_set_visible, mode, detail::handle, detail::handler(std::move(visible)).release(),
            detail::destroy<Handler>);
    }

    /** Serves a transport with its options as JSON, see tenon_server_listen(). */
    Server &listen(std::string_view transport, std::string_view options) {
        return checked(tenon_server_listen, text(transport), detail::data(options), options.size());
    }
    Server &listen_stdio() { return checked(tenon_server_listen_stdio); }
    Server &listen_descriptors(int input, int output) { return checked(tenon_server_listen_descriptors, input, output); }
    Server &listen_http(std::string_view address) { return checked(tenon_server_listen_http, text(address)); }
    Server &listen_unix(std::string_view path) { return checked(tenon_server_listen_unix, text(path)); }
    Server &listen_socket(int socket) { return checked(tenon_server_listen_socket, socket); }
    Server &listen_http_socket(int socket, std::optional<std::string_view> path = std::nullopt) {
        return checked(tenon_server_listen_http_socket, socket, detail::Text(path));
    }
    Server &listen_websocket(std::string_view address) { return checked(tenon_server_listen_websocket, text(address)); }
    Server &listen_sse(std::string_view address) { return checked(tenon_server_listen_sse, text(address)); }
    Server &listen_embedded() { return checked(tenon_server_listen_embedded); }
    Server &set_unix_mode(std::uint32_t mode) {
        return done(tenon_server_set_unix_mode(get(), mode), "tenon_server_set_unix_mode");
    }
    Server &allow_host(std::string_view host) {
        return done(tenon_server_allow_host(get(), text(host)), "tenon_server_allow_host");
    }
    Server &allow_origin(std::string_view origin) {
        return done(tenon_server_allow_origin(get(), text(origin)), "tenon_server_allow_origin");
    }
    Server &allow_header(std::string_view name) {
        return done(tenon_server_allow_header(get(), text(name)), "tenon_server_allow_header");
    }
    std::string http_url() const { return url(tenon_server_http_url, "tenon_server_http_url"); }
    std::string websocket_url() const { return url(tenon_server_websocket_url, "tenon_server_websocket_url"); }
    std::string sse_url() const { return url(tenon_server_sse_url, "tenon_server_sse_url"); }

    void start() { checked(tenon_server_start); }
    /** Serves until the end, and returns the exit code for main(); see tenon_server_exit_code(). */
    int run() {
        checked(tenon_server_run);
        return exit_code();
    }
    int exit_code() const noexcept { return tenon_server_exit_code(get()); }
    int wake_fd() const {
        int descriptor = -1;
        detail::check(tenon_server_wake_fd(get(), &descriptor), "tenon_server_wake_fd");
        return descriptor;
    }
    Polled poll(std::chrono::milliseconds timeout = std::chrono::milliseconds(0), std::uint32_t max = 0) {
        std::uint32_t handled = 0;
        const tenon_status status = tenon_server_poll(get(), max, detail::milliseconds(timeout), &handled);
        detail::check(status, "tenon_server_poll");
        return {handled, status == TENON_ENDED};
    }
    void close() { done(tenon_server_close(get()), "tenon_server_close"); }
    bool is_closed() const noexcept { return tenon_server_is_closed(get()); }

    /** Registers an entry, and takes it in every case. Throws if its name is already used or its definition is wrong. */
    Server &add(Entry entry) { return checked(tenon_server_add, entry.release()); }
    Server &replace(Entry method) { return checked(tenon_server_replace, method.release()); }
    template <typename Function> Server &on(
        std::string_view hook, Function function, tenon_mode mode = TENON_MODE_WORKER) {
        const detail::Text name(hook);
        return checked(
            tenon_server_on, name, mode, detail::handle, detail::handler(std::move(function)).release(),
            detail::destroy<Handler>);
    }
    /** `operations` is as for tenon_server_add_middleware(); empty means calls, reads, prompts and completions. */
    template <typename Function> Server &add_middleware(
        Function function, std::optional<std::string_view> operations = std::nullopt,
        tenon_mode mode = TENON_MODE_WORKER) {
        const detail::Text words(operations);
        return checked(
            tenon_server_add_middleware, words, mode, detail::handle, detail::handler(std::move(function)).release(),
            detail::destroy<Handler>);
    }
    void remove(tenon_kind kind, std::string_view name) {
        done(tenon_server_remove(get(), kind, text(name)), "tenon_server_remove");
    }
    void enable(tenon_kind kind, std::string_view name) {
        done(tenon_server_enable(get(), kind, text(name)), "tenon_server_enable");
    }
    void disable(tenon_kind kind, std::string_view name) {
        done(tenon_server_disable(get(), kind, text(name)), "tenon_server_disable");
    }
    /** Whether an entry has the tag now. */
    bool enable_tag(std::string_view tag) { return tagged(tenon_server_enable_tag(get(), text(tag))); }
    bool disable_tag(std::string_view tag) { return tagged(tenon_server_disable_tag(get(), text(tag))); }
    Server &mount(Server &other, std::string_view prefix) {
        return checked(tenon_server_mount, other.get(), text(prefix));
    }
    /** Without a prefix, names and addresses stay as they are. */
    Server &mount(Server &other) { return checked(tenon_server_mount, other.get(), nullptr); }
    /** Undoes mount() with the same prefix. Calls in flight continue. */
    Server &unmount(Server &other, std::string_view prefix) {
        return checked(tenon_server_unmount, other.get(), text(prefix));
    }
    Server &unmount(Server &other) { return checked(tenon_server_unmount, other.get(), nullptr); }
    /** Calls `visit` with the definition of each entry of a kind, JSON text, and whether it is enabled. */
    template <typename Function> void entries(tenon_kind kind, Function visit) const {
        detail::Visit<Function> called{visit, nullptr};
        const auto each = [](void *data, const char *definition, std::size_t len, bool enabled) noexcept {
            (*static_cast<detail::Visit<Function> *>(data))(std::string_view(definition, len), enabled);
        };
        detail::check(tenon_server_entries(get(), kind, each, &called), "tenon_server_entries");
        called.done();
    }

    /** What applies to an entry and its state, JSON text; see tenon_server_policies(). */
    std::string policies(tenon_kind kind, std::string_view name) const {
        const char *shown = nullptr;
        std::size_t len = 0;
        detail::check(tenon_server_policies(get(), kind, text(name), &shown, &len), "tenon_server_policies");
        return {shown, len};
    }
    /** `policies` is a JSON object, in which null removes a policy. */
    void change_policies(tenon_kind kind, std::string_view name, std::string_view policies) {
        done(
            tenon_server_change_policies(get(), kind, text(name), detail::data(policies), policies.size()),
            "tenon_server_change_policies");
    }
    void disable_policy(tenon_kind kind, std::string_view name, std::string_view policy) {
        done(tenon_server_disable_policy(get(), kind, text(name), text(policy)), "tenon_server_disable_policy");
    }
    void enable_policy(tenon_kind kind, std::string_view name, std::string_view policy) {
        done(tenon_server_enable_policy(get(), kind, text(name), text(policy)), "tenon_server_enable_policy");
    }
    /** Without a policy, the state of all policies is cleared. */
    void clear_policy(
        tenon_kind kind, std::string_view name, std::optional<std::string_view> policy = std::nullopt) {
        done(tenon_server_clear_policy(get(), kind, text(name), detail::Text(policy)), "tenon_server_clear_policy");
    }

    /** Takes a call from a limiter of the option "limiters". Returns the time to wait; zero if it was taken. */
    std::chrono::milliseconds limiter_acquire(std::string_view name) {
        std::uint64_t wait = 0;
        done(tenon_server_limiter_acquire(get(), text(name), &wait), "tenon_server_limiter_acquire");
        return std::chrono::milliseconds(wait);
    }
    /** `headers` is a JSON object, see tenon_server_limiter_feed(). */
    void limiter_feed(std::string_view name, std::string_view headers) {
        done(
            tenon_server_limiter_feed(get(), text(name), detail::data(headers), headers.size()),
            "tenon_server_limiter_feed");
    }
    /** Asks a circuit breaker of the option "breakers" whether a call may pass. */
    BreakerPermit breaker_allow(std::string_view name) {
        std::uint64_t permit = 0, wait = 0;
        done(tenon_server_breaker_allow(get(), text(name), &permit, &wait), "tenon_server_breaker_allow");
        return {permit, std::chrono::milliseconds(wait)};
    }
    void breaker_record(std::string_view name, const BreakerPermit &permit, bool succeeded) {
        done(
            tenon_server_breaker_record(get(), text(name), permit.number, succeeded), "tenon_server_breaker_record");
    }
    /** The value of a key in the cache of the program, JSON text, if there is one. */
    std::optional<std::string> cache_get(std::string_view key) const {
        const char *value = nullptr;
        std::size_t len = 0;
        if (!tagged(tenon_server_cache_get(get(), text(key), &value, &len))) return std::nullopt;
        return std::string(value, len);
    }
    /** `value` is JSON text. */
    void cache_put(std::string_view key, std::string_view value, std::chrono::milliseconds ttl) {
        const auto time = static_cast<std::uint64_t>(ttl.count() > 0 ? ttl.count() : 0);
        done(
            tenon_server_cache_put(get(), text(key), detail::data(value), value.size(), time), "tenon_server_cache_put");
    }
    /** Without a key, all values are removed. */
    void cache_delete(std::optional<std::string_view> key = std::nullopt) {
        done(tenon_server_cache_delete(get(), detail::Text(key)), "tenon_server_cache_delete");
    }

    Server &add_skills(std::string_view folder) { return checked(tenon_server_add_skills, text(folder)); }
    /** Adds a page that the HTTP listeners serve, or replaces the page with this path. */
    Server &add_page(std::string_view path, std::string_view content_type, std::string_view body) {
        return checked(
            tenon_server_add_page, text(path), text(content_type), static_cast<const void *>(body.data()), body.size());
    }
    /** Throws if there is none. */
    void remove_page(std::string_view path) {
        done(tenon_server_remove_page(get(), text(path)), "tenon_server_remove_page");
    }

    /** Returns whether a client waited for the end of this elicitation. */
    bool elicitation_complete(std::string_view elicitation_id) {
        return tagged(tenon_server_elicitation_complete(get(), text(elicitation_id)));
    }
    void notify(std::string_view method, std::string_view params = "{}") {
        done(tenon_server_notify(get(), text(method), detail::data(params), params.size()), "tenon_server_notify");
    }
    void resource_updated(std::string_view uri) {
        done(tenon_server_resource_updated(get(), text(uri)), "tenon_server_resource_updated");
    }
    void list_changed(tenon_kind kind) { done(tenon_server_list_changed(get(), kind), "tenon_server_list_changed"); }

    /** For tests: returns the messages that the server sends for one message of a client, each as JSON text. */
    std::vector<std::string> exchange(std::string_view message, std::chrono::milliseconds timeout = forever) {
        std::vector<std::string> heard;
        auto keep = [&heard](std::string_view said) { heard.emplace_back(said); };
        detail::Visit<decltype(keep)> called{keep, nullptr};
        const auto each = [](void *data, const char *said, std::size_t len) noexcept {
            (*static_cast<detail::Visit<decltype(keep)> *>(data))(std::string_view(said, len));
        };
        checked(
            tenon_server_exchange, detail::data(message), message.size(), detail::milliseconds(timeout), each,
            static_cast<void *>(&called));
        called.done();
        return heard;
    }

    /** Passes a request of the program's own HTTP server. `ready` may be empty; its exceptions are dropped. */
    void handle_http(Http &http, std::function<void()> ready = {}) {
        using Ready = std::function<void()>;
        const auto call = [](void *data) noexcept {
            try {
                (*static_cast<Ready *>(data))();
            } catch (...) {
            }
        };
        auto kept = ready ? std::make_unique<Ready>(std::move(ready)) : nullptr;
        const tenon_http_ready_fn wake = kept ? +call : nullptr;
        const tenon_destroy_fn destroy = kept ? detail::destroy<Ready> : nullptr;
        checked(tenon_server_handle_http, http.get(), wake, static_cast<void *>(kept.release()), destroy);
    }

    tenon_server *get() const noexcept { return server_.get(); }

private:
    void make(std::optional<std::string_view> name, std::optional<std::string_view> version) {
        tenon_server *made = nullptr;
        detail::Detail detail;
        detail.check(tenon_server_new(detail::Text(name), detail::Text(version), &made, detail));
        server_.reset(made);
    }
    static detail::Text text(std::string_view text) { return detail::Text(text); }
    Server &done(tenon_status status, const char *what) {
        detail::check(status, what);
        return *this;
    }
    template <typename Function, typename... Arguments> Server &checked(Function function, const Arguments &...arguments) {
        detail::Detail detail;
        detail.check(function(get(), arguments..., detail));
        return *this;
    }
    static bool tagged(tenon_status status) {
        if (status != TENON_ERR_NOT_FOUND) detail::check(status, "tenon_server");
        return status != TENON_ERR_NOT_FOUND;
    }
    template <typename Function> std::string url(Function function, const char *what) const {
        const char *url = nullptr;
        std::size_t len = 0;
        detail::check(function(get(), &url, &len), what);
        return {url, len};
    }

    detail::Handle<tenon_server, tenon_server_free> server_;
};

}  // namespace tenon

#endif  // TENON_SERVER_HPP
