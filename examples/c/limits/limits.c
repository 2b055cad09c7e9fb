/* Weather whose callers are limited: the server as a whole, and each caller and city. Times are in milliseconds. */
#include <stdio.h>
#include <tenon.h>

static const char REQUESTS[] = "{\"amount\":600,\"per\":60000,\"by\":\"address\"}";
static const char FORECASTS[] = "[\"10/s\",{\"amount\":60,\"per\":60000,\"by\":\"principal\"}]";
static const char REPORTS[] =
    "{\"amount\":2,\"per\":3600000,\"by\":\"arguments.city\",\"refusal\":\"result\","
    "\"text\":\"It is written. Ask again in {wait} s.\"}";

/* Says something about the city. The text before its name is the user data. */
static void say(void *user_data, tenon_call *call) {
    const char *city;
    char text[512];
    if (tenon_call_arg_string(call, "city", &city, NULL) != TENON_OK) return;
    snprintf(text, sizeof text, "%s%s", (const char *)user_data, city);
    tenon_call_return_text(call, text, TENON_NUL);
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
    if (tenon_server_listen_stdio(app, &err) || tenon_server_run(app, &err)) goto failed;
    return tenon_server_exit_code(app);
failed:
    fprintf(stderr, "limits: %s\n", tenon_error_message(err));
    return 1;
}
