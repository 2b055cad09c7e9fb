/* Results of several parts. A part of tenon.hpp, which is what programs include. */

#ifndef TENON_RESULT_HPP
#define TENON_RESULT_HPP

#include <tenon.h>
#include <tenon/base.hpp>

#include <optional>
#include <string_view>
#include <type_traits>

namespace tenon {

/** A result with several parts, for Call::complete(), which throws the first error of its members. */
class Result {
public:
    Result() {
        tenon_result *made = nullptr;
        detail::Detail detail;
        detail.check(tenon_result_new(&made, detail));
        result_.reset(made);
    }

    Result &add_text(std::string_view text) { return noted(tenon_result_add_text(get(), detail::data(text), text.size())); }
    Result &add_image(std::string_view bytes, std::string_view mime_type) {
        return noted(tenon_result_add_image(get(), detail::data(bytes), bytes.size(), detail::Text(mime_type)));
    }
    Result &add_audio(std::string_view bytes, std::string_view mime_type) {
        return noted(tenon_result_add_audio(get(), detail::data(bytes), bytes.size(), detail::Text(mime_type)));
    }
    Result &add_resource(
        std::string_view uri, std::string_view text, std::optional<std::string_view> mime_type = std::nullopt) {
        return noted(tenon_result_add_resource(
            get(), detail::Text(uri), detail::Text(mime_type), detail::data(text), text.size()));
    }
    Result &add_resource_bytes(
        std::string_view uri, std::string_view bytes, std::optional<std::string_view> mime_type = std::nullopt) {
        return noted(tenon_result_add_resource_bytes(
            get(), detail::Text(uri), detail::Text(mime_type), detail::data(bytes), bytes.size()));
    }
    Result &add_link(
        std::string_view uri, std::string_view name, std::optional<std::string_view> mime_type = std::nullopt) {
        return noted(tenon_result_add_link(get(), detail::Text(uri), detail::Text(name), detail::Text(mime_type)));
    }
    Result &add_message(std::string_view role, std::string_view text) {
        return noted(tenon_result_add_message(get(), detail::Text(role), detail::data(text), text.size()));
    }
    Result &add_value(std::string_view value) {
        return noted(tenon_result_add_value(get(), detail::data(value), value.size()));
    }
    Result &add(std::string_view json) { return noted(tenon_result_add(get(), detail::data(json), json.size())); }
    Result &set_last(std::string_view member, std::string_view json) {
        return noted(tenon_result_set_last(get(), detail::Text(member), detail::data(json), json.size()));
    }
    Result &set(std::string_view member, std::string_view json) {
        return noted(tenon_result_set(get(), detail::Text(member), detail::data(json), json.size()));
    }
    Result &set_structured(std::string_view json) {
        return noted(tenon_result_set_structured(get(), detail::data(json), json.size()));
    }
    Result &set_meta(std::string_view json) {
        return noted(tenon_result_set_meta(get(), detail::data(json), json.size()));
    }

    /** Structured content piece by piece: see tenon_result_begin_object(). In an array values have no key. */
    Result &begin_object(std::optional<std::string_view> key = std::nullopt) {
        return noted(tenon_result_begin_object(get(), detail::Text(key)));
    }
    Result &begin_array(std::optional<std::string_view> key = std::nullopt) {
        return noted(tenon_result_begin_array(get(), detail::Text(key)));
    }
    Result &end() { return noted(tenon_result_end(get())); }
    /** A string, a number, a bool, Json, nullptr for null, or Bytes for the reply of a store. */
    template <typename T> Result &put(std::optional<std::string_view> key, const T &value) {
        using Value = std::decay_t<T>;
        const detail::Text name(key);
        if constexpr (std::is_same_v<Value, std::nullptr_t>) {
            return noted(tenon_result_put_null(get(), name));
        } else if constexpr (std::is_same_v<Value, Json>) {
            return noted(tenon_result_put_json(get(), name, value.text.data(), value.text.size()));
        } else if constexpr (std::is_same_v<Value, Bytes>) {
            return noted(tenon_result_put_bytes(get(), name, value.data.data(), value.data.size()));
        } else if constexpr (std::is_same_v<Value, bool>) {
            return noted(tenon_result_put_bool(get(), name, value));
        } else if constexpr (std::is_floating_point_v<Value>) {
            return noted(tenon_result_put_double(get(), name, static_cast<double>(value)));
        } else if constexpr (std::is_integral_v<Value>) {
            static_assert(detail::fits_int64<Value>, "a value of this type may not fit into an int64_t");
            return noted(tenon_result_put_int64(get(), name, value));
        } else {
            const std::string_view text(value);
            return noted(tenon_result_put_string(get(), name, detail::data(text), text.size()));
        }
    }

    tenon_result *get() const noexcept { return result_.get(); }
    tenon_result *release() noexcept { return result_.release(); }

private:
    /** The library stores the first failure and reports it when the result is used. */
    Result &noted(tenon_status) { return *this; }

    detail::Handle<tenon_result, tenon_result_free> result_;
};

}  // namespace tenon

#endif  // TENON_RESULT_HPP
