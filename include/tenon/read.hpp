/* How values are read from calls and answers. A part of tenon.hpp, which is what programs include. */

#ifndef TENON_READ_HPP
#define TENON_READ_HPP

#include <tenon.h>
#include <tenon/base.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace tenon {

namespace detail {

/** The functions that read a value of one type from a call or an answer by its name. */
template <typename Of> struct Reader;

template <> struct Reader<tenon_call> {
    static constexpr auto string = tenon_call_arg_string;
    static constexpr auto int64 = tenon_call_arg_int64;
    static constexpr auto number = tenon_call_arg_double;
    static constexpr auto boolean = tenon_call_arg_bool;
};
template <> struct Reader<tenon_answer> {
    static constexpr auto string = tenon_answer_string;
    static constexpr auto int64 = tenon_answer_int64;
    static constexpr auto number = tenon_answer_double;
    static constexpr auto boolean = tenon_answer_bool;
};

/** The error text for an integer that T cannot represent; none for other errors. */
using Beyond = std::optional<std::string>;

template <typename T> std::string not_an_integer() {
    const char *kind = std::is_signed_v<T> ? "an integer of " : "an unsigned integer of ";
    return std::string("is not ") + kind + std::to_string(8 * sizeof(T)) + " bits";
}

template <typename T, typename Of>
tenon_status read(const Of *from, const char *name, std::optional<T> &out, Beyond &beyond) {
    if constexpr (std::is_same_v<T, bool>) {
        bool value = false;
        const tenon_status status = Reader<Of>::boolean(from, name, &value);
        if (status == TENON_OK) out = value;
        return status;
    } else if constexpr (std::is_integral_v<T>) {
        std::int64_t value = 0;
        const tenon_status status = Reader<Of>::int64(from, name, &value);
        if (status != TENON_OK) return status;
        const T fits = static_cast<T>(value);
        if (static_cast<std::int64_t>(fits) != value || (fits < T{}) != (value < 0)) {
            beyond = not_an_integer<T>();
            return TENON_ERR_TYPE;
        }
        out = fits;
        return status;
    } else if constexpr (std::is_floating_point_v<T>) {
        double value = 0;
        const tenon_status status = Reader<Of>::number(from, name, &value);
        if (status == TENON_OK) out = static_cast<T>(value);
        return status;
    } else {
        static_assert(
            std::is_constructible_v<T, std::string_view>, "read a string, a string_view, a bool, a number, or Json of a call");
        const char *text = nullptr;
        std::size_t len = 0;
        const tenon_status status = Reader<Of>::string(from, name, &text, &len);
        if (status == TENON_OK) out.emplace(std::string_view(text, len));
        return status;
    }
}

}  // namespace detail

}  // namespace tenon

#endif  // TENON_READ_HPP
