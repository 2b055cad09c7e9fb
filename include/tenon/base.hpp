/* What all of tenon.hpp stands on: errors, and what goes between C++ and C. A part of tenon.hpp, which is what programs include. */

#ifndef TENON_BASE_HPP
#define TENON_BASE_HPP

#include <tenon.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tenon {

/** A timeout without a limit. */
inline constexpr std::chrono::milliseconds forever{-1};

/** A function of the library failed. */
class Error : public std::runtime_error {
public:
    Error(tenon_status status, const std::string &message) : std::runtime_error(message), status_(status) {}
    /** One of the TENON_ERR_ values. */
    tenon_status status() const noexcept { return status_; }

private:
    tenon_status status_;
};

/** An error that a handler need not catch: the library fails its call with the reason. */
class CallError : public Error {
public:
    using Error::Error;
};

/**
 * Arguments that a handler refuses for a reason that the schema does not express. The client gets the same error as for
 * arguments that do not fit the schema. Write the reasons as "/place/in/them: reason".
 */
class ArgumentError : public CallError {
public:
    explicit ArgumentError(const std::string &reasons, tenon_status status = TENON_ERR_INVALID) :
        CallError(status, reasons) {}
};

/** A question has gone to the client; see QUESTIONS. Do not catch it. */
struct Suspended {};

/** JSON text, to distinguish it from plain text, which is sent as a string. */
struct Json {
    std::string text;
};

/** Bytes of a resource or of a store, to distinguish them from text, which must be UTF-8. */
struct Bytes {
    std::string data;
};

/** The version of the loaded library. TENON_VERSION is the version of the header. */
inline std::string_view version() { return tenon_version(); }
/** The ABI version of the loaded library, which must equal TENON_ABI_VERSION. */
inline std::uint32_t abi_version() { return tenon_abi_version(); }

namespace detail {

/** A NUL-terminated string without another NUL. */
class Text {
public:
    explicit Text(std::string_view text) : text_(text) {
        if (text_.find('\0') != std::string::npos) throw Error(TENON_ERR_INVALID, "a string contains a NUL; remove it");
    }
    explicit Text(std::optional<std::string_view> text) : Text(text.value_or(std::string_view())) { none_ = !text; }
    operator const char *() const noexcept { return none_ ? nullptr : text_.c_str(); }

private:
    std::string text_;
    bool none_ = false;
};

/** The pointer of a text with a length, which is never NULL. */
inline const char *data(std::string_view text) noexcept { return text.data() == nullptr ? "" : text.data(); }

/** The detail of a failure, for functions that take one. */
class Detail {
public:
    Detail() = default;
    Detail(const Detail &) = delete;
    Detail &operator=(const Detail &) = delete;
    ~Detail() { tenon_error_free(error_); }
    operator tenon_error **() noexcept { return &error_; }
    template <typename Thrown = Error> void check(tenon_status status) const {
        if (status >= 0) return;
        throw Thrown(status, error_ != nullptr ? tenon_error_message(error_) : tenon_status_text(status));
    }

private:
    tenon_error *error_ = nullptr;
};

template <typename Thrown = Error> void check(tenon_status status, std::string_view what) {
    if (status < 0) throw Thrown(status, std::string(what) + ": " + tenon_error_last_message());
}

/** Whether the call was completed. False if it had ended already. */
inline bool completed(tenon_status status, const Detail &detail) {
    if (status != TENON_ERR_STALE) detail.check(status);
    return status != TENON_ERR_STALE;
}

inline std::int32_t milliseconds(std::chrono::milliseconds time) noexcept {
    constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();
    if (time.count() < 0) return -1;
    return time.count() > most ? most : static_cast<std::int32_t>(time.count());
}

template <typename T> inline constexpr bool fits_int64 = std::is_signed_v<T> || sizeof(T) < sizeof(std::int64_t);

template <typename T> void destroy(void *data) noexcept { delete static_cast<T *>(data); }

/** Runs a function of the program and drops its exceptions. */
inline void cancelled(void *data) noexcept {
    try {
        (*static_cast<std::function<void()> *>(data))();
    } catch (...) {
    }
}

/** Frees a handle. */
template <auto function> struct Free {
    template <typename T> void operator()(T *handle) const noexcept { static_cast<void>(function(handle)); }
};
template <typename T, auto function> using Handle = std::unique_ptr<T, Free<function>>;

/** Runs a function that C called, stores its exception, and rethrows it after the C function. */
template <typename Function> struct Visit {
    Function &function;
    std::exception_ptr thrown;

    template <typename... Arguments> void operator()(Arguments &&...arguments) noexcept {
        if (thrown) return;
        try {
            function(std::forward<Arguments>(arguments)...);
        } catch (...) {
            thrown = std::current_exception();
        }
    }
    void done() const {
        if (thrown) std::rethrow_exception(thrown);
    }
};

}  // namespace detail

}  // namespace tenon

#endif  // TENON_BASE_HPP
