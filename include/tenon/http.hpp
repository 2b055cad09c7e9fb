/* Requests of the program's own HTTP server. A part of tenon.hpp, which is what programs include. */

#ifndef TENON_HTTP_HPP
#define TENON_HTTP_HPP

#include <tenon.h>
#include <tenon/base.hpp>

#include <any>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace tenon {

/** One request that the program's own HTTP server received, and its response; see Server::handle_http(). */
class Http {
public:
    explicit Http(std::string_view method) {
        tenon_http *made = nullptr;
        detail::Detail detail;
        detail.check(tenon_http_new(detail::Text(method), &made, detail));
        http_.reset(made);
    }

    Http &add_header(std::string_view name, std::string_view value) {
        detail::Detail detail;
        detail.check(tenon_http_add_header(get(), detail::Text(name), detail::data(value), value.size(), detail));
        return *this;
    }
    Http &set_version(std::uint8_t major) {
        detail::check(tenon_http_set_version(get(), major), "tenon_http_set_version");
        return *this;
    }
    Http &set_principal(std::string_view principal) {
        detail::check(tenon_http_set_principal(get(), detail::Text(principal)), "tenon_http_set_principal");
        return *this;
    }
    /** The same as JSON: an object with the member "subject", or a string. */
    Http &set_principal_json(std::string_view json) {
        detail::Detail detail;
        detail.check(tenon_http_set_principal_json(get(), detail::data(json), json.size(), detail));
        return *this;
    }
    /** Sets the IP address of the client. The request counts towards the share of this address. */
    Http &set_address(std::string_view address) {
        detail::check(tenon_http_set_address(get(), detail::Text(address)), "tenon_http_set_address");
        return *this;
    }
    /** Stores a value with the request. Handlers of its calls read it with Call::http_user_data(). */
    template <typename T> Http &set_user_data(T value) {
        auto kept = std::make_unique<std::any>(std::move(value));
        // The library destroys it in every case.
        detail::check(
            tenon_http_set_user_data(get(), kept.release(), detail::destroy<std::any>), "tenon_http_set_user_data");
        return *this;
    }
    void write(std::string_view bytes) {
        detail::check(tenon_http_write(get(), detail::data(bytes), bytes.size()), "tenon_http_write");
    }
    void end() { detail::check(tenon_http_end(get()), "tenon_http_end"); }
    /** One of the TENON_HTTP_ values. */
    tenon_http_step next(std::chrono::milliseconds timeout = forever) {
        tenon_http_step step = TENON_HTTP_WAIT;
        detail::check(tenon_http_next(get(), detail::milliseconds(timeout), &step), "tenon_http_next");
        return step;
    }
    std::uint32_t status() const {
        std::uint32_t status = 0;
        detail::check(tenon_http_status(get(), &status), "tenon_http_status");
        return status;
    }
    /** Names in lower case, and values. */
    std::vector<std::pair<std::string_view, std::string_view>> headers() const {
        std::vector<std::pair<std::string_view, std::string_view>> all;
        for (;;) {
            const char *name = nullptr, *value = nullptr;
            std::size_t len = 0;
            const tenon_status status = tenon_http_header(get(), all.size(), &name, &value, &len);
            if (status == TENON_ERR_NOT_FOUND) return all;
            detail::check(status, "tenon_http_header");
            all.emplace_back(name, std::string_view(value, len));
        }
    }
    /** Valid until the next call of next(). */
    std::string_view data() const {
        const void *bytes = nullptr;
        std::size_t len = 0;
        detail::check(tenon_http_data(get(), &bytes, &len), "tenon_http_data");
        return {static_cast<const char *>(bytes), len};
    }

    tenon_http *get() const noexcept { return http_.get(); }

private:
    detail::Handle<tenon_http, tenon_http_free> http_;
};

}  // namespace tenon

#endif  // TENON_HTTP_HPP
