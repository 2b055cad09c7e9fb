/* What is registered. A part of tenon.hpp, which is what programs include. */

#ifndef TENON_ENTRY_HPP
#define TENON_ENTRY_HPP

#include <tenon.h>
#include <tenon/base.hpp>
#include <tenon/call.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace tenon {

/** An entry, made by tool() or a similar function. Server::add() takes it, and throws the first error of its setters. */
class Entry {
public:
    explicit Entry(tenon_entry *entry) noexcept : entry_(entry) {}

    Entry &set(std::string_view member, std::string_view json) {
        return noted(tenon_entry_set(get(), detail::Text(member), detail::data(json), json.size()));
    }
    Entry &description(std::string_view text) {
        return noted(tenon_entry_set_description(get(), detail::Text(text)));
    }
    /** A function of a Call &. It completes or keeps the call, or returns a value for Call::complete(). */
    template <typename Function> Entry &handler(Function function) {
        return noted(tenon_entry_set_handler(
            get(), detail::handle, detail::handler(std::move(function)).release(), detail::destroy<Handler>));
    }
    template <typename Function> Entry &list_handler(Function function) {
        return noted(tenon_entry_set_list_handler(
            get(), detail::handle, detail::handler(std::move(function)).release(), detail::destroy<Handler>));
    }
    /** TENON_MODE_WORKER (default), TENON_MODE_POLL or TENON_MODE_INLINE. */
    Entry &mode(tenon_mode mode) { return noted(tenon_entry_set_mode(get(), mode)); }
    /** More than 0, at most about 49 days. */
    Entry &timeout(std::chrono::milliseconds time) {
        constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
        const auto count = time.count() < 0 ? 0 : time.count();
        return noted(tenon_entry_set_timeout_ms(get(), count > most ? most : static_cast<std::uint32_t>(count)));
    }

    /** Of tools. */
    Entry &input_schema(std::string_view json) { return noted(tenon_tool_set_input_schema(get(), detail::Text(json))); }
    Entry &output_schema(std::string_view json) {
        return noted(tenon_tool_set_output_schema(get(), detail::Text(json)));
    }
    Entry &structured(bool structured = true) { return noted(tenon_tool_set_structured(get(), structured)); }
    /** `type` is a word, such as "integer" or "string[]", or a schema; see tenon_tool_add_param(). */
    Entry &param(
        std::string_view name, std::string_view type, std::optional<std::string_view> description = std::nullopt,
        tenon_param_flags flags = TENON_PARAM_REQUIRED) {
        return noted(tenon_tool_add_param(
            get(), detail::Text(name), detail::Text(type), detail::Text(description), flags));
    }
    Entry &task_support(std::string_view support) {
        return noted(tenon_tool_set_task_support(get(), detail::Text(support)));
    }
    Entry &ui(std::string_view uri) { return noted(tenon_tool_set_ui(get(), detail::Text(uri))); }
    /** Of prompts. */
    Entry &argument(
        std::string_view name, std::optional<std::string_view> description = std::nullopt, bool required = true) {
        return noted(tenon_prompt_add_argument(get(), detail::Text(name), detail::Text(description), required));
    }

    tenon_entry *get() const noexcept { return entry_.get(); }
    tenon_entry *release() noexcept { return entry_.release(); }

private:
    /** The library stores the first failure and reports it when the entry is added. */
    Entry &noted(tenon_status) { return *this; }

    detail::Handle<tenon_entry, tenon_entry_free> entry_;
};

namespace detail {

template <typename Function, typename... Arguments> Entry entry(Function function, const Arguments &...arguments) {
    tenon_entry *made = nullptr;
    Detail detail;
    detail.check(function(arguments..., &made, detail));
    return Entry(made);
}

}  // namespace detail

inline Entry tool(std::string_view name) { return detail::entry(tenon_tool_new, detail::Text(name)); }
inline Entry resource(std::string_view uri) { return detail::entry(tenon_resource_new, detail::Text(uri)); }
inline Entry resource_template(std::string_view uri_template) {
    return detail::entry(tenon_resource_template_new, detail::Text(uri_template));
}
inline Entry resource_provider(std::string_view uri_template) {
    return detail::entry(tenon_resource_provider_new, detail::Text(uri_template));
}
inline Entry prompt(std::string_view name) { return detail::entry(tenon_prompt_new, detail::Text(name)); }
/** `of_kind` is TENON_KIND_PROMPT or TENON_KIND_RESOURCE_TEMPLATE. */
inline Entry completion(tenon_kind of_kind, std::string_view of, std::string_view argument) {
    return detail::entry(tenon_completion_new, of_kind, detail::Text(of), detail::Text(argument));
}
inline Entry method(std::string_view name) { return detail::entry(tenon_method_new, detail::Text(name)); }
inline Entry notification(std::string_view name) { return detail::entry(tenon_notification_new, detail::Text(name)); }
inline Entry ui(std::string_view uri, std::string_view html) {
    return detail::entry(tenon_ui_new, detail::Text(uri), detail::Text(html));
}
inline Entry ui_from_folder(std::string_view uri, std::string_view folder) {
    return detail::entry(tenon_ui_new_from_folder, detail::Text(uri), detail::Text(folder));
}

}  // namespace tenon

#endif  // TENON_ENTRY_HPP
