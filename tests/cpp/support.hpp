// What the tests in C++ share: checks that count, and a client in the process.
#ifndef SUPPORT_HPP
#define SUPPORT_HPP

#include <tenon.hpp>

#include <atomic>
#include <string>
#include <string_view>

#define CHECK(condition) \
    do { \
        if (!(condition)) failed(__FILE__, __LINE__, #condition); \
    } while (0)
#define CHECK_IN(needle, text) \
    do { \
        const std::string checked_text(text); \
        if (checked_text.find(needle) == std::string::npos) failed(__FILE__, __LINE__, checked_text); \
    } while (0)
// The expression throws a tenon::Error of this status, whose message holds the text.
#define CHECK_THROWS(expected, text, expression) \
    do { \
        try { \
            expression; \
            failed(__FILE__, __LINE__, #expression " threw nothing"); \
        } catch (const tenon::Error &error) { \
            CHECK_IN(text, error.what()); \
            CHECK(error.status() == (expected)); \
        } \
    } while (0)

// Throws, so that the test ends here. Outside of the test's own thread, and in callbacks, note what is seen instead.
void failed(const char *file, int line, std::string_view what);

// TEST(name) { ... } is run by main.
#define TEST(name) \
    static void name(); \
    static const bool name##_is_known = known(#name, name); \
    static void name()
bool known(const char *name, void (*test)());

// Counts how many of them are alive.
struct Life {
    explicit Life(std::atomic<int> &count) : alive(count) { ++alive; }
    Life(const Life &other) : Life(other.alive) {}
    Life &operator=(const Life &) = delete;
    ~Life() { --alive; }
    std::atomic<int> &alive;
};

// A client of 2025-11-25 in the process, which can be asked everything.
class Client {
public:
    explicit Client(tenon::Server &server);
    // The server's answer to a request, or what it asks before that.
    std::string request(std::string_view method, std::string_view params);
    std::string call(std::string_view tool, std::string_view arguments = "{}");
    // Answers the server's only question with a result, and returns what comes of it.
    std::string answer(const std::string &question, std::string_view result);

private:
    std::string exchange(const std::string &message);

    tenon::Server &server_;
    int id_ = 0;
};

// The call of a tool by a client of 2026-07-28 with nothing but this message.
std::string modern(std::string_view tool, std::string_view arguments, std::string_view more = "");
// An object schema with one property.
std::string with(std::string_view name, std::string_view type);

#endif
