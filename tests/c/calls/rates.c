/* Rate limits, concurrency limits, caches and circuit breakers: which calls run, and what the clients of others receive. */
#include "support.h"

#define SCHEMA "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}"

static tenon_server *server;
static struct peer peer;

static void found(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_text(call, "found", TENON_NUL));
}

/* Adds the tool "search" with a limit. */
static void add(const char *limit) {
    tenon_entry *tool;
    OK(tenon_tool_new("search", &tool, NULL));
    OK(tenon_tool_set_input_schema(tool, SCHEMA));
    OK(tenon_entry_set(tool, "rate_limit", limit, TENON_NUL));
    OK(tenon_entry_set_handler(tool, found, NULL, NULL));
    OK(tenon_server_add(server, tool, NULL));
}

static bool passes(int id, const char *arguments) {
    call_modern(&peer, id, "search", arguments, "{}", "");
    return has_text(next_line(&peer), "found");
}

/* A call above the limit of its tool is refused, and each value of an argument has an allowance of its own. */
static void calls(void) {
    server = new_server();
    add("{\"amount\":2,\"per\":3600000,\"by\":[\"principal\",\"arguments.city\"]}");
    serve(&peer, server);
    CHECK(passes(1, "{\"city\":\"Rome\"}") && passes(2, "{\"city\":\"Rome\"}"));
    call_modern(&peer, 3, "search", "{\"city\":\"Rome\"}", "{}", "");
    CHECK_IN("Too many calls: tool \\\"search\\\" takes 2 calls per hour for each principal and value of city",
             next_line(&peer));
    CHECK(passes(4, "{\"city\":\"Oslo\"}"));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* A request above the limit of the server is refused. */
static void requests(void) {
    server = new_server();
    OK(tenon_server_set(server, "rate_limit", "\"1/h\"", TENON_NUL));
    add("\"9/h\"");
    serve(&peer, server);
    CHECK(passes(1, "{}"));
    call_modern(&peer, 2, "search", "{}", "{}", "");
    CHECK_IN("Too many requests: the server takes 1 request per hour", next_line(&peer));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static void fails(void *user_data, tenon_call *call) {
    const char *city;
    (void)user_data;
    OK(tenon_call_arg_string(call, "city", &city, NULL));
    OK(strcmp(city, "Rome") == 0 ? tenon_call_fail(call, "down") : tenon_call_return_text(call, "found", TENON_NUL));
}

/* After too many failures, calls are refused, for each value of an argument. */
static void breaker(void) {
    tenon_entry *tool;
    server = new_server();
    OK(tenon_tool_new("search", &tool, NULL));
    OK(tenon_tool_set_input_schema(tool, SCHEMA));
    OK(tenon_entry_set(tool, "circuit_breaker",
                       "{\"failures\":2,\"open_for\":3600000,\"by\":\"arguments.city\",\"counts\":[\"failed\"],"
                       "\"text\":\"{city} is down for {wait} s.\"}",
                       TENON_NUL));
    OK(tenon_entry_set_handler(tool, fails, NULL, NULL));
    OK(tenon_server_add(server, tool, NULL));
    serve(&peer, server);
    CHECK(!passes(1, "{\"city\":\"Rome\"}") && !passes(2, "{\"city\":\"Rome\"}"));
    call_modern(&peer, 3, "search", "{\"city\":\"Rome\"}", "{}", "");
    CHECK_IN("Rome is down for 3600 s.", next_line(&peer));
    CHECK(passes(4, "{\"city\":\"Oslo\"}"));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static tenon_call *held;
static sem_t holding;

static void holds(void *user_data, tenon_call *call) {
    const char *city;
    (void)user_data;
    OK(tenon_call_arg_string(call, "city", &city, NULL));
    if (strcmp(city, "Rome") == 0 && held == NULL) {
        OK(tenon_call_retain(call));
        held = call;
        sem_post(&holding);
    } else {
        OK(tenon_call_return_text(call, city, TENON_NUL));
    }
}

/* A call waits only for calls with its value of the argument. */
static void concurrency(void) {
    tenon_entry *tool;
    int i;
    sem_init(&holding, 0, 0);
    server = new_server();
    OK(tenon_tool_new("search", &tool, NULL));
    OK(tenon_tool_set_input_schema(tool, SCHEMA));
    OK(tenon_entry_set(tool, "max_concurrency_by", "{\"arguments.city\":1}", TENON_NUL));
    OK(tenon_entry_set_handler(tool, holds, NULL, NULL));
    OK(tenon_server_add(server, tool, NULL));
    serve(&peer, server);
    call_modern(&peer, 1, "search", "{\"city\":\"Rome\"}", "{}", "");
    call_modern(&peer, 2, "search", "{\"city\":\"Rome\"}", "{}", "");
    call_modern(&peer, 3, "search", "{\"city\":\"Oslo\"}", "{}", "");
    CHECK(has_text(next_line(&peer), "Oslo"));
    sem_wait(&holding);
    OK(tenon_call_return_text(held, "first", TENON_NUL));
    /* The second call may be answered first. */
    for (i = 0; i < 2; i++) {
        const char *line = next_line(&peer);
        CHECK(has_text(line, "first") || has_text(line, "Rome"));
    }
    tenon_call_release(held);
    sem_destroy(&holding);
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static int runs;

static void counts(void *user_data, tenon_call *call) {
    char text[32];
    (void)user_data;
    snprintf(text, sizeof text, "run %d", ++runs);
    OK(tenon_call_return_text(call, text, TENON_NUL));
}

/* A result answers later calls with the same arguments. */
static void cache(void) {
    tenon_entry *tool;
    server = new_server();
    OK(tenon_tool_new("search", &tool, NULL));
    OK(tenon_tool_set_input_schema(tool, SCHEMA));
    OK(tenon_entry_set(tool, "cache", "{\"ttl\":3600000,\"max_entries\":1}", TENON_NUL));
    OK(tenon_entry_set_handler(tool, counts, NULL, NULL));
    OK(tenon_server_add(server, tool, NULL));
    serve(&peer, server);
    call_modern(&peer, 1, "search", "{\"city\":\"Rome\"}", "{}", "");
    CHECK(has_text(next_line(&peer), "run 1"));
    call_modern(&peer, 2, "search", "{ \"city\": \"Rome\" }", "{}", "");
    CHECK(has_text(next_line(&peer), "run 1"));
    call_modern(&peer, 3, "search", "{\"city\":\"Oslo\"}", "{}", "");
    CHECK(has_text(next_line(&peer), "run 2"));
    call_modern(&peer, 4, "search", "{\"city\":\"Rome\"}", "{}", "");
    CHECK(has_text(next_line(&peer), "run 3"));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static void flaky(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(++runs < 3 ? tenon_call_fail(call, "down") : tenon_call_return_text(call, "works", TENON_NUL));
}

/* A handler that has failed runs again. */
static void retries(void) {
    tenon_entry *tool;
    server = new_server();
    runs = 0;
    OK(tenon_tool_new("search", &tool, NULL));
    OK(tenon_tool_set_input_schema(tool, SCHEMA));
    OK(tenon_entry_set(tool, "idempotent", "true", TENON_NUL));
    OK(tenon_entry_set(tool, "retry", "{\"attempts\":3,\"backoff\":1,\"counts\":[\"failed\"]}", TENON_NUL));
    OK(tenon_entry_set_handler(tool, flaky, NULL, NULL));
    OK(tenon_server_add(server, tool, NULL));
    serve(&peer, server);
    call_modern(&peer, 1, "search", "{}", "{}", "");
    CHECK(has_text(next_line(&peer), "works"));
    CHECK(runs == 3);
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* Policies are shown, changed, switched off and cleared while the server runs. */
static void control(void) {
    tenon_entry *tool;
    const char *shown;
    size_t len;
    server = new_server();
    runs = 0;
    OK(tenon_tool_new("search", &tool, NULL));
    OK(tenon_tool_set_input_schema(tool, SCHEMA));
    OK(tenon_entry_set(tool, "cache", "3600000", TENON_NUL));
    OK(tenon_entry_set_handler(tool, counts, NULL, NULL));
    OK(tenon_server_add(server, tool, NULL));
    /* What is changed before the start holds, also if a setting is changed later. */
    OK(tenon_server_change_policies(server, TENON_KIND_TOOL, "search", "{\"max_concurrency\":7}", TENON_NUL));
    OK(tenon_server_set(server, "mask_errors", "false", TENON_NUL));
    serve(&peer, server);
    call_modern(&peer, 1, "search", "{}", "{}", "");
    CHECK(has_text(next_line(&peer), "run 1"));
    OK(tenon_server_policies(server, TENON_KIND_TOOL, "search", &shown, &len));
    CHECK(strlen(shown) == len);
    CHECK_IN("\"max_concurrency\":7", shown);
    CHECK_IN("\"cache\":{\"entries\":1,\"bytes\":197}", shown);
    OK(tenon_server_disable_policy(server, TENON_KIND_TOOL, "search", "cache"));
    call_modern(&peer, 2, "search", "{}", "{}", "");
    CHECK(has_text(next_line(&peer), "run 2"));
    OK(tenon_server_policies(server, TENON_KIND_TOOL, "search", &shown, NULL));
    CHECK_IN("\"switched_off\":[\"cache\"]", shown);
    OK(tenon_server_enable_policy(server, TENON_KIND_TOOL, "search", "cache"));
    call_modern(&peer, 3, "search", "{}", "{}", "");
    CHECK(has_text(next_line(&peer), "run 3"));
    call_modern(&peer, 4, "search", "{}", "{}", "");
    CHECK(has_text(next_line(&peer), "run 3"));
    OK(tenon_server_clear_policy(server, TENON_KIND_TOOL, "search", "cache"));
    call_modern(&peer, 5, "search", "{}", "{}", "");
    CHECK(has_text(next_line(&peer), "run 4"));
    OK(tenon_server_change_policies(server, TENON_KIND_TOOL, "search", "{\"cache\":null}", TENON_NUL));
    OK(tenon_server_clear_policy(server, TENON_KIND_TOOL, "search", NULL));
    call_modern(&peer, 6, "search", "{}", "{}", "");
    CHECK(has_text(next_line(&peer), "run 5"));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_change_policies(server, TENON_KIND_TOOL, "search", "{\"cache\":0}", TENON_NUL));
    CHECK_IN("cache must be a number of milliseconds above 0, not 0", tenon_error_last_message());
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_change_policies(server, TENON_KIND_TOOL, "search", "{\"scopes\":[]}", TENON_NUL));
    CHECK_STATUS(TENON_ERR_JSON, tenon_server_change_policies(server, TENON_KIND_TOOL, "search", "{", TENON_NUL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_disable_policy(server, TENON_KIND_TOOL, "none", "cache"));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_policies(server, TENON_KIND_PROMPT, "search", &shown, NULL));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* The program's own limiters, circuit breakers and cache. */
static void by_code(void) {
    const char *value;
    uint64_t wait, permit;
    int call;
    server = new_server();
    OK(tenon_server_set(server, "limiters", "{\"api\":\"2/h\",\"fast\":\"1000/s\"}", TENON_NUL));
    OK(tenon_server_set(server, "breakers", "{\"api\":{\"failures\":2,\"open_for\":3600000}}", TENON_NUL));
    add("\"9/h\"");
    serve(&peer, server);
    for (call = 0; call < 2; call++) {
        OK(tenon_server_limiter_acquire(server, "api", &wait));
        CHECK(wait == 0);
        OK(tenon_server_breaker_allow(server, "api", &permit, &wait));
        CHECK(wait == 0);
        OK(tenon_server_breaker_record(server, "api", permit, false));
    }
    OK(tenon_server_limiter_acquire(server, "api", &wait));
    CHECK(wait > 3500000 && wait <= 3600000);
    OK(tenon_server_breaker_allow(server, "api", &permit, &wait));
    CHECK(wait > 3500000 && wait <= 3600000);
    OK(tenon_server_limiter_feed(server, "fast", "{\"Retry-After\":120}", TENON_NUL));
    OK(tenon_server_limiter_acquire(server, "fast", &wait));
    CHECK(wait > 100000 && wait <= 120000);
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_limiter_feed(server, "fast", "[]", TENON_NUL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_limiter_acquire(server, "b", &wait));
    CHECK_IN("there is no \"b\" in the setting limiters, which has api, fast", tenon_error_last_message());
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_cache_get(server, "key", &value, NULL));
    OK(tenon_server_cache_put(server, "key", "{\"a\":1}", TENON_NUL, 60000));
    OK(tenon_server_cache_get(server, "key", &value, NULL));
    CHECK(strcmp(value, "{\"a\":1}") == 0);
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_cache_put(server, "key", "1", TENON_NUL, 0));
    OK(tenon_server_cache_delete(server, "key"));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_cache_get(server, "key", &value, NULL));
    OK(tenon_server_cache_delete(server, NULL));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* A wrong limit is an error that names the member and the value. */
static void refused(void) {
    static const char *const limits[][2] = {
        {"5", "rate_limit must be a string such as \"60/min\", a JSON object with amount and per"},
        {"\"many\"", "rate_limit: \"many\" is no rate"},
        {"{\"amount\":1,\"per\":0}", "rate_limit.per must be a number of milliseconds above 0, not 0"},
        {"{\"amount\":1,\"per\":1,\"by\":\"user\"}", "rate_limit.by: there is no key \"user\""},
    };
    size_t i;
    for (i = 0; i < sizeof limits / sizeof *limits; i++) {
        tenon_entry *tool;
        OK(tenon_tool_new("search", &tool, NULL));
        CHECK_STATUS(TENON_ERR_INVALID, tenon_entry_set(tool, "rate_limit", limits[i][0], TENON_NUL));
        CHECK_IN(limits[i][1], tenon_error_last_message());
        CHECK_STATUS(TENON_ERR_INVALID, tenon_entry_set(tool, "circuit_breaker", "{\"failures\":0}", TENON_NUL));
        CHECK_IN("circuit_breaker.failures must be a positive integer, not 0", tenon_error_last_message());
        CHECK_STATUS(TENON_ERR_INVALID, tenon_entry_set(tool, "max_concurrency_by", "{\"user\":1}", TENON_NUL));
        CHECK_IN("there is no key \"user\"", tenon_error_last_message());
        CHECK_STATUS(TENON_ERR_INVALID, tenon_entry_set(tool, "cache", "{\"max_entries\":1}", TENON_NUL));
        CHECK_IN("cache needs the member ttl", tenon_error_last_message());
        tenon_entry_free(tool);
    }
    server = new_server();
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_set(server, "rate_limit", "{\"amount\":1,\"per\":1,\"by\":\"entry\"}", TENON_NUL));
    CHECK_IN("a server counts requests", tenon_error_last_message());
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_set(server, "limiters", "{\"a\":5}", TENON_NUL));
    CHECK_IN("limiters.a must be a string such as", tenon_error_last_message());
    OK(tenon_server_free(server));
}

static const struct test all[] = {{"calls", calls}, {"requests", requests}, {"breaker", breaker}, {"concurrency", concurrency}, {"cache", cache}, {"retries", retries}, {"control", control}, {"by_code", by_code}, {"refused", refused}};
RUN_TESTS(all)
