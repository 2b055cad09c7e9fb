/* Calls, and the handlers that get them. A part of tenon.hpp, which is what programs include. */

#ifndef TENON_CALL_HPP
#define TENON_CALL_HPP

#include <tenon.h>
#include <tenon/answer.hpp>
#include <tenon/base.hpp>
#include <tenon/read.hpp>
#include <tenon/result.hpp>

#include <any>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tenon {

/** The outcome of the rest of the chain after middleware; see Call::outcome(). */
struct Outcome {
    /** One of the TENON_OUTCOME_ values. */
    tenon_outcome kind;
    std::string_view json;
};

class KeptCall;

/** One call of a handler. It is borrowed and valid until the handler returns. Any thread may use it. */
class Call {
public:
    explicit Call(tenon_call *call) noexcept : call_(call) {}
    Call(const Call &) = delete;
    Call &operator=(const Call &) = delete;

    /** Keeps the call beyond the handler, to complete it later. */
    KeptCall keep() const;

    /**
     * An argument by its name or by a JSON pointer, such as "/size/width": std::string, std::string_view, bool, a number, or
     * Json for one of any type. Throws CallError if it is absent or of another type, and ArgumentError if T cannot
     * represent it. If the handler does not catch them, its call fails with that reason.
     */
    template <typename T> T arg(std::string_view name) const;
    /** The same, or `otherwise` if it is absent. */
    template <typename T> T arg(std::string_view name, T otherwise) const { return find<T>(name).value_or(otherwise); }
    /** The same, or nothing if it is absent. */
    template <typename T> std::optional<T> find(std::string_view name) const;

    std::string_view arguments() const { return view(tenon_call_arguments); }
    tenon_kind kind() const noexcept { return tenon_call_kind(get()); }
    std::string_view name() const { return view(tenon_call_name); }
    std::string_view protocol_version() const { return view(tenon_call_protocol_version); }
    std::string_view client_capabilities() const { return view(tenon_call_client_capabilities); }
    /** Nothing if the call has none. The same is true of the following members. */
    std::optional<std::string_view> uri() const { return found(tenon_call_uri); }
    std::optional<std::string_view> request_id() const { return found(tenon_call_request_id); }
    std::optional<std::string_view> client_info() const { return found(tenon_call_client_info); }
    std::optional<std::string_view> session_id() const { return found(tenon_call_session_id); }
    std::optional<std::string_view> meta() const { return found(tenon_call_meta); }
    std::optional<std::string_view> get(std::string_view field) const { return found(tenon_call_get, field); }
    /** The sender of the request, a JSON object. */
    std::optional<std::string_view> principal() const { return get("principal"); }
    std::optional<std::string_view> extension(std::string_view id) const { return found(tenon_call_extension, id); }

    bool is_cancelled() const noexcept { return tenon_call_is_cancelled(get()); }
    /**
     * Runs `function` once if the call ends before it is completed: on a thread of the library, or in Server::poll(). If
     * the call was cancelled before, it runs at once. See tenon_call_on_cancel(). Its exceptions are dropped. It may run
     * while the handler returns, so it must not refer to variables of the handler: share them. False if the call was
     * completed.
     */
    bool on_cancel(std::function<void()> function) const {
        const tenon_cancel_fn callback = function ? detail::cancelled : nullptr;
        auto kept = std::make_unique<std::function<void()>>(std::move(function));
        // The library destroys it in every case.
        return ended(
            tenon_call_on_cancel(get(), callback, kept.release(), detail::destroy<std::function<void()>>),
            "tenon_call_on_cancel");
    }
    /** `total` is unknown if it is below 0. */
    void progress(double progress, double total = -1, std::optional<std::string_view> message = std::nullopt) const {
        passing(tenon_call_progress(get(), progress, total, detail::Text(message)), "tenon_call_progress");
    }
    /** Whether the client will reconnect for the rest. */
    bool close_stream() const {
        bool closed = false;
        passing(tenon_call_close_stream(get(), &closed), "tenon_call_close_stream");
        return closed;
    }
    void log(
        std::string_view level, std::string_view text, std::optional<std::string_view> logger = std::nullopt) const {
        passing(
            tenon_call_log(get(), detail::Text(level), detail::Text(logger), detail::data(text), text.size()),
            "tenon_call_log");
    }
    void log_json(
        std::string_view level, std::string_view json, std::optional<std::string_view> logger = std::nullopt) const {
        passing(
            tenon_call_log_json(get(), detail::Text(level), detail::Text(logger), detail::data(json), json.size()),
            "tenon_call_log_json");
    }
    void notify(std::string_view method, std::string_view params = "{}") const {
        passing(tenon_call_notify(get(), detail::Text(method), detail::data(params), params.size()), "tenon_call_notify");
    }

    /**
     * Makes a principal that of the client, from its next request on: JSON of a string, or of an object with the member
     * "subject". Throws Error over HTTP, where each request needs its own credentials.
     */
    void login(std::string_view json) const {
        detail::Detail detail;
        detail.check(tenon_call_login(get(), detail::data(json), json.size(), detail));
    }

    /**
     * The JSON text that `make` returned when the call first reached this point. It runs once, although a handler that asks
     * runs again from its top.
     */
    template <typename Function> std::string once(std::string_view key, Function make) const {
        if (auto kept = found(tenon_call_once_get, key)) return std::string(*kept);
        std::string made(make());
        detail::Detail detail;
        detail.check<CallError>(tenon_call_once_put(get(), detail::Text(key), made.data(), made.size(), detail));
        return made;
    }

    /** Questions; see QUESTIONS in tenon.hpp. They throw Suspended, and CallError if the client cannot be asked or fails. */
    Answer elicit(
        std::string_view message, std::string_view schema, std::optional<std::string_view> key = std::nullopt) const {
        return asked([&](tenon_answer **answer, tenon_error **err) {
            return tenon_call_elicit(
                get(), detail::Text(key), detail::Text(message), detail::Text(schema), answer, err);
        });
    }
    Answer elicit_url(
        std::string_view message, std::string_view url, std::optional<std::string_view> elicitation_id = std::nullopt,
        std::optional<std::string_view> key = std::nullopt) const {
        return asked([&](tenon_answer **answer, tenon_error **err) {
            return tenon_call_elicit_url(
                get(), detail::Text(key), detail::Text(message), detail::Text(url), detail::Text(elicitation_id),
                answer, err);
        });
    }
    Answer sample(std::string_view params, std::optional<std::string_view> key = std::nullopt) const {
        return asked([&](tenon_answer **answer, tenon_error **err) {
            return tenon_call_sample(get(), detail::Text(key), detail::data(params), params.size(), answer, err);
        });
    }
    Answer roots(std::optional<std::string_view> key = std::nullopt) const {
        return asked([&](tenon_answer **answer, tenon_error **err) {
            return tenon_call_roots(get(), detail::Text(key), answer, err);
        });
    }
    /** Asks a question of any kind. If there is no value, the question has gone to the client: ask the others and return. */
    std::optional<Answer> try_ask(
        std::string_view question, std::string_view params, std::optional<std::string_view> key = std::nullopt) const {
        tenon_answer *answer = nullptr;
        detail::Detail detail;
        const tenon_status status = tenon_call_ask(
            get(), detail::Text(question), detail::Text(key), detail::data(params), params.size(), &answer, detail);
        detail.check<CallError>(status);
        if (status == TENON_SUSPENDED) return std::nullopt;
        return Answer(answer);
    }
    /** Ends the call because the user must visit a page first; always throws. */
    [[noreturn]] void require_url(
        std::string_view message, std::string_view url,
        std::optional<std::string_view> elicitation_id = std::nullopt) const {
        detail::Detail detail;
        detail.check<CallError>(tenon_call_require_url(
            get(), detail::Text(message), detail::Text(url), detail::Text(elicitation_id), detail));
        throw Suspended();
    }

    /** Whether the call is a task now. */
    bool start_task() const {
        bool is_task = false;
        detail::Detail detail;
        detail.check<CallError>(tenon_call_start_task(get(), &is_task, detail));
        return is_task;
    }
    void set_status(std::string_view text) const {
        passing(tenon_call_set_status(get(), detail::Text(text)), "tenon_call_set_status");
    }

    /** Functions that complete the call. They return false if the call has ended already. */
    bool return_text(std::string_view text) const {
        return ended(tenon_call_return_text(get(), detail::data(text), text.size()), "tenon_call_return_text");
    }
    bool return_json(std::string_view json) const {
        detail::Detail detail;
        return detail::completed(tenon_call_return_json(get(), detail::data(json), json.size(), detail), detail);
    }
    bool return_int64(std::int64_t number) const {
        return ended(tenon_call_return_int64(get(), number), "tenon_call_return_int64");
    }
    bool return_double(double number) const {
        return ended(tenon_call_return_double(get(), number), "tenon_call_return_double");
    }
    bool return_bool(bool value) const { return ended(tenon_call_return_bool(get(), value), "tenon_call_return_bool"); }
    bool return_bytes(std::string_view bytes) const {
        return ended(tenon_call_return_bytes(get(), detail::data(bytes), bytes.size()), "tenon_call_return_bytes");
    }
    bool fail(std::string_view message) const {
        return ended(tenon_call_fail(get(), detail::Text(message)), "tenon_call_fail");
    }
    /** The same as throwing ArgumentError. */
    bool fail_arguments(std::string_view reasons) const {
        return ended(tenon_call_fail_arguments(get(), detail::Text(reasons)), "tenon_call_fail_arguments");
    }
    bool not_found(std::optional<std::string_view> what = std::nullopt) const {
        return ended(tenon_call_not_found(get(), detail::Text(what)), "tenon_call_not_found");
    }
    bool error(
        std::int32_t code, std::string_view message, std::optional<std::string_view> json = std::nullopt) const {
        return ended(tenon_call_error(get(), code, detail::Text(message), detail::Text(json)), "tenon_call_error");
    }
    /** Completes the call with a Result, Json, Bytes, a string, a number or a bool, as a handler may return. */
    template <typename T> bool complete(T &&value) const;

    /** Runs the rest of the chain after middleware, with other arguments if `json` has some; `after` gets its outcome. */
    void next(std::function<void(Call &)> after = {}, std::optional<std::string_view> json = std::nullopt) const;
    Outcome outcome() const {
        const char *text = nullptr;
        std::size_t len = 0;
        tenon_outcome kind = 0;
        detail::check(tenon_call_outcome(get(), &kind, &text, &len), "tenon_call_outcome");
        return {kind, {text, len}};
    }
    /** Stores a value with the call, which its middleware and its handler share. */
    template <typename T> void set_state(T value) const {
        auto kept = std::make_unique<std::any>(std::move(value));
        // The library destroys it in every case.
        detail::check(
            tenon_call_set_state(get(), kept.release(), detail::destroy<std::any>), "tenon_call_set_state");
    }
    /** The value of this type that is stored with the call; NULL if there is none. */
    template <typename T> T *state() const noexcept {
        return std::any_cast<T>(static_cast<std::any *>(tenon_call_state(get())));
    }

    /** The value of this type that is stored with the HTTP request; NULL if there is none. */
    template <typename T> T *http_user_data() const noexcept {
        return std::any_cast<T>(static_cast<std::any *>(tenon_call_http_user_data(get())));
    }

    tenon_call *get() const noexcept { return call_; }

protected:
    tenon_call *call_;

private:
    template <typename Function, typename... Of> std::string_view view(Function function, const Of &...of) const {
        const char *text = nullptr;
        std::size_t len = 0;
        detail::check(function(get(), detail::Text(of)..., &text, &len), "tenon_call");
        return {text, len};
    }
    template <typename Function, typename... Of>
    std::optional<std::string_view> found(Function function, const Of &...of) const {
        const char *text = nullptr;
        std::size_t len = 0;
        const tenon_status status = function(get(), detail::Text(of)..., &text, &len);
        if (status == TENON_ERR_NOT_FOUND) return std::nullopt;
        detail::check(status, "tenon_call");
        return std::string_view(text, len);
    }
    template <typename Ask> Answer asked(Ask ask) const {
        tenon_answer *answer = nullptr;
        detail::Detail detail;
        const tenon_status status = ask(&answer, detail);
        detail.check<CallError>(status);
        if (status == TENON_SUSPENDED) throw Suspended();
        return Answer(answer);
    }
    static bool ended(tenon_status status, const char *what) {
        if (status != TENON_ERR_STALE) detail::check(status, what);
        return status != TENON_ERR_STALE;
    }
    /** Reports about a call that has ended are dropped. */
    static void passing(tenon_status status, const char *what) { ended(status, what); }
};

/** A call that was kept; see Call::keep(). If the last copy is destroyed without completing the call, the call fails. */
class KeptCall : public Call {
public:
    explicit KeptCall(tenon_call *call) : Call(call) {
        if (call != nullptr) detail::check(tenon_call_retain(call), "tenon_call_retain");
    }
    KeptCall(const KeptCall &other) : KeptCall(other.get()) {}
    KeptCall(KeptCall &&other) noexcept : Call(std::exchange(other.call_, nullptr)) {}
    KeptCall &operator=(KeptCall other) noexcept {
        std::swap(call_, other.call_);
        return *this;
    }
    ~KeptCall() { tenon_call_release(call_); }
};

using Handler = std::function<void(Call &)>;

namespace detail {

/** Completes a call with an exception. */
template <typename Function> void fail(Function function, tenon_call *call, const char *reason) noexcept {
    if (function(call, reason) == TENON_ERR_UTF8)
        static_cast<void>(function(call, "the handler failed, and its reason is not UTF-8"));
}

/** Runs a handler. Its exceptions complete the call. */
inline void handle(void *data, tenon_call *call) noexcept {
    Call borrowed(call);
    try {
        (*static_cast<Handler *>(data))(borrowed);
    } catch (const Suspended &) {
    } catch (const ArgumentError &error) {
        fail(tenon_call_fail_arguments, call, error.what());
    } catch (const CallError &) {
        // The library uses its own reason.
    } catch (const std::exception &error) {
        fail(tenon_call_fail, call, error.what());
    } catch (...) {
        static_cast<void>(tenon_call_fail(call, "the handler threw an exception that is not a std::exception"));
    }
}

template <typename Function> constexpr bool completes_itself =
    std::is_void_v<std::invoke_result_t<Function &, Call &>>;

/** A handler from a function that completes its call, or that returns the value to complete it with. */
template <typename Function> std::unique_ptr<Handler> handler(Function function) {
    static_assert(std::is_invocable_v<Function &, Call &>, "a handler must take a tenon::Call &");
    if constexpr (completes_itself<Function>) {
        return std::make_unique<Handler>(std::move(function));
    } else {
        return std::make_unique<Handler>(
            [function = std::move(function)](Call &call) mutable { call.complete(function(call)); });
    }
}

}  // namespace detail

inline KeptCall Call::keep() const { return KeptCall(get()); }

template <typename T> std::optional<T> Call::find(std::string_view name) const {
    std::optional<T> value;
    const detail::Text text(name);
    detail::Beyond beyond;
    tenon_status status;
    if constexpr (std::is_same_v<T, Json>) {
        const char *json = nullptr;
        std::size_t len = 0;
        status = tenon_call_arg_json(get(), text, &json, &len);
        if (status == TENON_OK) value = Json{std::string(json, len)};
    } else if constexpr (std::is_same_v<T, Bytes>) {
        const void *data = nullptr;
        std::size_t len = 0;
        status = tenon_call_arg_bytes(get(), text, &data, &len);
        if (status == TENON_OK) value = Bytes{std::string(static_cast<const char *>(data), len)};
    } else {
        status = detail::read<T>(static_cast<const tenon_call *>(get()), text, value, beyond);
    }
    // The text is made only for errors, because every argument is read here.
    const auto argument = [name] { return "argument \"" + std::string(name) + "\""; };
    if (beyond) throw ArgumentError(argument() + " " + *beyond, status);
    if (status != TENON_OK && status != TENON_ERR_NOT_FOUND) detail::check<CallError>(status, argument());
    return value;
}

template <typename T> T Call::arg(std::string_view name) const {
    std::optional<T> value = find<T>(name);
    if (!value) detail::check<CallError>(TENON_ERR_NOT_FOUND, "argument \"" + std::string(name) + "\"");
    return *std::move(value);
}

template <typename T> bool Call::complete(T &&value) const {
    using Value = std::decay_t<T>;
    if constexpr (std::is_same_v<Value, Result>) {
        static_assert(!std::is_lvalue_reference_v<T>, "the result is consumed: pass it with std::move");
        detail::Detail detail;
        return detail::completed(tenon_call_return(get(), value.release(), detail), detail);
    } else if constexpr (std::is_same_v<Value, Json>) {
        return return_json(value.text);
    } else if constexpr (std::is_same_v<Value, Bytes>) {
        return return_bytes(value.data);
    } else if constexpr (std::is_same_v<Value, bool>) {
        return return_bool(value);
    } else if constexpr (std::is_floating_point_v<Value>) {
        return return_double(static_cast<double>(value));
    } else if constexpr (std::is_integral_v<Value>) {
        static_assert(detail::fits_int64<Value>, "a value of this type may not fit into an int64_t");
        return return_int64(value);
    } else {
        static_assert(
            std::is_convertible_v<T, std::string_view>, "return a Result, Json, Bytes, a text, a number or a bool");
        return return_text(value);
    }
}

inline void Call::next(std::function<void(Call &)> after, std::optional<std::string_view> json) const {
    auto kept = after ? std::make_unique<Handler>(std::move(after)) : nullptr;
    const tenon_handler_fn run = kept ? detail::handle : nullptr;
    const tenon_destroy_fn destroy = kept ? detail::destroy<Handler> : nullptr;
    const char *arguments = json ? detail::data(*json) : nullptr;
    detail::Detail detail;
    const tenon_status status =
        tenon_call_next(get(), arguments, json ? json->size() : 0, run, kept.release(), destroy, detail);
    if (status != TENON_ERR_STALE) detail.check(status);
}

}  // namespace tenon

#endif  // TENON_CALL_HPP
