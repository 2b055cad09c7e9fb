/* Settings from files, variables of the environment and code. A part of tenon.hpp, which is what programs include. */

#ifndef TENON_SETTINGS_HPP
#define TENON_SETTINGS_HPP

#include <tenon.h>
#include <tenon/base.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace tenon {

/**
 * The settings of a program, see tenon_settings. Any thread may use them, also several threads at once. Texts are borrowed
 * and live as long as this object, or the object that it was moved to.
 */
class Settings {
public:
    /** Takes a handle, which it frees. */
    explicit Settings(tenon_settings *handle) noexcept : settings_(handle) {}

    /** Reads settings from the sources that the options name, a JSON object; see tenon_settings_load(). */
    static Settings load(std::string_view options) {
        tenon_settings *made = nullptr;
        detail::Detail detail;
        detail.check(tenon_settings_load(detail::data(options), options.size(), &made, detail));
        return Settings(made);
    }
    static void write_default(std::string_view path) {
        detail::Detail detail;
        detail.check(tenon_settings_write_default(detail::Text(path), detail));
    }

    /** The value of a setting as JSON text; none if it is not set. Throws if there is no such setting. */
    std::optional<std::string> get(std::string_view key) const {
        const char *value = nullptr;
        std::size_t len = 0;
        detail::check(tenon_settings_get(get(), detail::Text(key), &value, &len), "tenon_settings_get");
        std::string text(value, len);
        return text == "null" ? std::nullopt : std::optional<std::string>(std::move(text));
    }
    /** Where the value of a setting comes from; none if no source has it. */
    std::optional<std::string> source(std::string_view key) const {
        const char *source = nullptr;
        std::size_t len = 0;
        const tenon_status status = tenon_settings_source(get(), detail::Text(key), &source, &len);
        if (status == TENON_ERR_NOT_FOUND) return std::nullopt;
        detail::check(status, "tenon_settings_source");
        return std::string(source, len);
    }
    Settings &set(std::string_view key, std::string_view json) {
        detail::Detail detail;
        detail.check(tenon_settings_set(get(), detail::Text(key), detail::data(json), json.size(), detail));
        return *this;
    }
    void save() {
        detail::Detail detail;
        detail.check(tenon_settings_save(get(), detail));
    }
    void reload() {
        detail::Detail detail;
        detail.check(tenon_settings_reload(get(), detail));
    }
    std::string schema() const {
        const char *schema = nullptr;
        std::size_t len = 0;
        detail::check(tenon_settings_schema(get(), &schema, &len), "tenon_settings_schema");
        return {schema, len};
    }

    tenon_settings *get() const noexcept { return settings_.get(); }

private:
    detail::Handle<tenon_settings, tenon_settings_free> settings_;
};

}  // namespace tenon

#endif  // TENON_SETTINGS_HPP
