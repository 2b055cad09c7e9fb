/* Weather whose callers are limited, from a service that may be down. Times are in milliseconds. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon.h>

static const char REQUESTS[] = "{\"amount\":600,\"per\":60000,\"by\":\"address\"}";
static const char FORECASTS[] = "[\"10/s\",{\"amount\":60,\"per\":60000,\"by\":\"principal\"}]";
static const char REPORTS[] =
    "{\"amount\":2,\"per\":3600000,\"by\":\"arguments.city\",\"refusal\":\"result\","
    "\"text\":\"It is written. Ask again in {wait} s.\"}";

/* A failed request is not repeated at once, so that the service of this country can recover. */
static const char SERVICES[] =
    "{\"failures\":3,\"open_for\":60000,\"by\":\"arguments.country\",\"counts\":[\"failed\"],"
    "\"text\":\"No service for {country} for {wait} s.\"}";

/* Says something about the city. The text before its name is the user data. */
static void say(void *user_data, tenon_call *call) {
    const char *city;
    char text[512];
    if (tenon_call_arg_string(call, "city", &city, NULL) != TENON_OK) return;
    snprintf(text, sizeof text, "%s%s", (const char *)user_data, city);
    tenon_call_return_text(call, text, TENON_NUL);
}

static const char TEMPERATURES[] = "{\"ttl\":60000,\"public\":true,\"stale_if_error\":600000}";

static void temperature(void *user_data, tenon_call *call) {
    static atomic_int measurements;
    const char *city;
    char text[512];
    (void)user_data;
    if (tenon_call_arg_string(call, "city", &city, NULL) != TENON_OK) return;
    snprintf(text, sizeof text, "%.1f °C in %s", 15 + ++measurements / 10.0, city);
    tenon_call_return_text(call, text, TENON_NUL);
}

static int add_temperature(tenon_server *app, tenon_error **err) {
    tenon_entry *tool;
    if (tenon_tool_new("temperature", &tool, err)) return 1;
    tenon_entry_set_description(tool, "The temperature in a city, measured once a minute for all callers.");
    tenon_tool_add_param(tool, "city", "string", NULL, TENON_PARAM_REQUIRED);
    tenon_entry_set(tool, "cache", TEMPERATURES, TENON_NUL);
    tenon_entry_set_handler(tool, temperature, NULL, NULL);
    return tenon_server_add(app, tool, err);
}

static void warnings(void *user_data, tenon_call *call) {
    const char *country, *down = getenv("DOWN");
    char text[512];
    (void)user_data;
    if (tenon_call_arg_string(call, "country", &country, NULL) != TENON_OK) return;
    if (down != NULL && strcmp(country, down) == 0) {
        tenon_call_fail(call, "the service does not answer");
        return;
    }
    snprintf(text, sizeof text, "no warnings for %s", country);
    tenon_call_return_text(call, text, TENON_NUL);
}

static int add_warnings(tenon_server *app, tenon_error **err) {
    tenon_entry *tool;
    if (tenon_tool_new("warnings", &tool, err)) return 1;
    tenon_entry_set_description(tool, "The warnings for a country.");
    tenon_tool_add_param(tool, "country", "string", NULL, TENON_PARAM_REQUIRED);
    tenon_entry_set(tool, "circuit_breaker", SERVICES, TENON_NUL);
    tenon_entry_set_handler(tool, warnings, NULL, NULL);
    return tenon_server_add(app, tool, err);
}

static int add(tenon_server *app, const char *name, const char *description, const char *rate_limit, char *text,
               tenon_error **err) {
    tenon_entry *tool;
    if (tenon_tool_new(name, &tool, err)) return 1;
    tenon_entry_set_description(tool, description);
    tenon_tool_add_param(tool, "city", "string", NULL, TENON_PARAM_REQUIRED);
    tenon_entry_set(tool, "rate_limit", rate_limit, TENON_NUL);
    tenon_entry_set_handler(tool, say, text, NULL);
    return tenon_server_add(app, tool, err);
}

int main(void) {
    static char forecast[] = "sunny in ", report[] = "all about the weather in ";
    tenon_server *app;
    tenon_error *err = NULL;
    if (tenon_server_new("weather", "1.0.0", &app, &err)) goto failed;
    tenon_server_set(app, "rate_limit", REQUESTS, TENON_NUL);
    if (add(app, "forecast", "The forecast for a city.", FORECASTS, forecast, &err)) goto failed;
    if (add(app, "report", "A long report, which each city has at most twice an hour.", REPORTS, report, &err)) goto failed;
    if (add_temperature(app, &err) || add_warnings(app, &err)) goto failed;
    if (tenon_server_listen_stdio(app, &err) || tenon_server_run(app, &err)) goto failed;
    return tenon_server_exit_code(app);
failed:
    fprintf(stderr, "limits: %s\n", tenon_error_message(err));
    return 1;
}
