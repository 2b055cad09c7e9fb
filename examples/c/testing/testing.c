#include <string.h>
#include <tenon.h>

static void greet(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_text(call, "Hello", TENON_NUL);
}

static void hear(void *heard, const char *message, size_t len) {
    memcpy(heard, message, len);
}

int main(void) {
    const char *message =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"greet\",\"_meta\":{"
        "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
        "\"io.modelcontextprotocol/clientCapabilities\":{}}}}";
    char heard[1024] = "";
    tenon_server *app = NULL;
    tenon_entry *tool = NULL;
    if (tenon_server_new("demo", "1.0.0", &app, NULL) != TENON_OK) return 1;
    if (tenon_tool_new("greet", &tool, NULL) != TENON_OK) return 1;
    if (tenon_entry_set_handler(tool, greet, NULL, NULL) != TENON_OK) return 1;
    if (tenon_server_add(app, tool, NULL) != TENON_OK) return 1;
    if (tenon_server_exchange(app, message, TENON_NUL, 5000, hear, heard, NULL) != TENON_OK) return 1;
    if (strstr(heard, "Hello") == NULL) return 1;
    return tenon_server_free(app) == TENON_OK ? 0 : 1;
}
