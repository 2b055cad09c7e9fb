/* A server with one tool. It uses stdio, or HTTP if the argument is an address such as 127.0.0.1:8000. */
#include <stdio.h>
#include <tenon.h>

static void add(void *user_data, tenon_call *call) {
    double a, b;
    (void)user_data;
    if (tenon_call_arg_double(call, "a", &a) == TENON_OK && tenon_call_arg_double(call, "b", &b) == TENON_OK)
        tenon_call_return_double(call, a + b);
}

int main(int argc, char **argv) {
    tenon_server *app; tenon_entry *tool; tenon_error *err = NULL;
    if (tenon_server_new("demo", "1.0.0", &app, &err) || tenon_tool_new("add", &tool, &err)) goto failed;
    tenon_entry_set_description(tool, "Add two numbers.");
    tenon_tool_add_param(tool, "a", "number", NULL, TENON_PARAM_REQUIRED);
    tenon_tool_add_param(tool, "b", "number", NULL, TENON_PARAM_REQUIRED);
    tenon_entry_set_handler(tool, add, NULL, NULL);
    if (tenon_server_add(app, tool, &err)) goto failed;
    if (argc > 1 ? tenon_server_listen_http(app, argv[1], &err) : tenon_server_listen_stdio(app, &err)) goto failed;
    if (tenon_server_run(app, &err) == TENON_OK) return tenon_server_exit_code(app);
failed:
    return fprintf(stderr, "quickstart: %s\n", tenon_error_message(err)), 1;
}
