/* What clients answer. A part of tenon.hpp, which is what programs include. */

#ifndef TENON_ANSWER_HPP
#define TENON_ANSWER_HPP

#include <tenon.h>
#include <tenon/base.hpp>
#include <tenon/read.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tenon {

/** The answer of a client; see Call::elicit(). */
class Answer {
public:
    explicit Answer(tenon_answer *answer) : answer_(answer) {}

    tenon_action action() const { return tenon_answer_action(get()); }
    bool accepted() const { return action() == TENON_ACTION_ACCEPT; }
    std::string_view content() const { return view(tenon_answer_content, "content"); }
    std::string_view json() const { return view(tenon_answer_json, "answer"); }
    std::string_view text() const { return view(tenon_answer_text, "text"); }
    /** The URIs of an answer to Call::roots(). */
    std::vector<std::string_view> roots() const;
    /** A field of a form: std::string, std::string_view, bool, or a number. Throws TENON_ERR_NOT_FOUND or TENON_ERR_TYPE. */
    template <typename T> T field(std::string_view name) const;

    const tenon_answer *get() const noexcept { return answer_.get(); }

private:
    template <typename Function> std::string_view view(Function function, const char *what) const {
        const char *text = nullptr;
        std::size_t len = 0;
        detail::check(function(get(), &text, &len), what);
        return {text, len};
    }

    detail::Handle<tenon_answer, tenon_answer_free> answer_;
};

inline std::vector<std::string_view> Answer::roots() const {
    std::vector<std::string_view> all;
    for (;;) {
        const char *uri = nullptr;
        std::size_t len = 0;
        const tenon_status status = tenon_answer_root(get(), all.size(), &uri, &len);
        if (status == TENON_ERR_NOT_FOUND) return all;
        detail::check(status, "tenon_answer_root");
        all.emplace_back(uri, len);
    }
}

template <typename T> T Answer::field(std::string_view name) const {
    std::optional<T> value;
    const detail::Text text(name);
    detail::Beyond beyond;
    const tenon_status status = detail::read<T>(get(), text, value, beyond);
    const auto field = [name] { return "field \"" + std::string(name) + "\""; };
    if (beyond) throw Error(status, field() + " " + *beyond);
    if (status != TENON_OK) detail::check(status, field());
    return *std::move(value);
}

}  // namespace tenon

#endif  // TENON_ANSWER_HPP
