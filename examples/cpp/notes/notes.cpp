// Notes that a model keeps for its user: tools that change the program's state, a resource for each note, and a question to
// the user before anything is lost. Handlers run on several threads, so the state has a lock.
//
// Serves stdio; with an argument such as 127.0.0.1:8000, HTTP.
#include <iostream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>

#include <tenon.hpp>

namespace {

class Notes {
public:
    int add(std::string text) {
        const std::lock_guard<std::mutex> held(lock_);
        notes_.emplace(++last_, std::move(text));
        return last_;
    }
    std::optional<std::string> find(const std::string &number) const {
        const std::lock_guard<std::mutex> held(lock_);
        for (const auto &[known, text] : notes_)
            if (std::to_string(known) == number) return text;
        return std::nullopt;
    }
    std::map<int, std::string> all() const {
        const std::lock_guard<std::mutex> held(lock_);
        return notes_;
    }
    std::size_t clear() {
        const std::lock_guard<std::mutex> held(lock_);
        const auto count = notes_.size();
        notes_.clear();
        return count;
    }

private:
    mutable std::mutex lock_;
    std::map<int, std::string> notes_;
    int last_ = 0;
};

void add_tools(tenon::Server &app, Notes &notes) {
    auto add = tenon::tool("add_note");
    add.description("Keep a note.").param("text", "string", "What to keep.");
    add.handler([&](tenon::Call &call) {
        auto text = call.arg<std::string>("text");
        // What is thrown reaches the model, which may try again.
        if (text.empty()) throw std::invalid_argument("an empty note is not kept");
        const int number = notes.add(std::move(text));
        app.list_changed(TENON_KIND_RESOURCE);
        return number;
    });
    app.add(std::move(add));

    auto list = tenon::tool("list_notes");
    list.description("All notes.").structured();
    list.handler([&](tenon::Call &) {
        tenon::Result result;
        result.begin_object().begin_array("notes");
        for (const auto &[number, text] : notes.all())
            result.begin_object().put("number", number).put("text", text).end();
        result.end().end();
        return result;
    });
    app.add(std::move(list));

    auto clear = tenon::tool("clear_notes");
    clear.description("Forget all notes, if the user agrees.");
    clear.handler([&](tenon::Call &call) -> std::string {
        const auto answer = call.elicit(
            "Forget all notes?", R"({"type":"object","properties":{"sure":{"type":"boolean"}},"required":["sure"]})");
        if (!answer.accepted() || !answer.field<bool>("sure")) return "nothing was forgotten";
        const auto count = notes.clear();
        app.list_changed(TENON_KIND_RESOURCE);
        return std::to_string(count) + " forgotten";
    });
    app.add(std::move(clear));
}

void add_resources(tenon::Server &app, const Notes &notes) {
    auto provider = tenon::resource_provider("note:///{number}");
    provider.list_handler([&](tenon::Call &) {
        tenon::Result result;
        for (const auto &[number, text] : notes.all()) {
            const auto name = std::to_string(number);
            result.add_link("note:///" + name, "Note " + name, "text/plain");
        }
        return result;
    });
    provider.handler([&](tenon::Call &call) {
        if (const auto text = notes.find(call.arg<std::string>("number"))) {
            call.return_text(*text);
        } else {
            call.not_found();
        }
    });
    app.add(std::move(provider));
}

}  // namespace

int main(int argc, char **argv) try {
    Notes notes;
    tenon::Server app("notes", "1.0.0");
    app.set_instructions("Keeps short notes. They are gone when the program ends.");
    add_tools(app, notes);
    add_resources(app, notes);
    argc > 1 ? app.listen_http(argv[1]) : app.listen_stdio();
    return app.run();
} catch (const std::exception &error) {
    std::cerr << "notes: " << error.what() << '\n';
    return 1;
}
