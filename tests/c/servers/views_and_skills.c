/* Views and skills, which the library serves without callbacks. */
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static tenon_server *server;
static struct peer peer;

static const char *request(int id, const char *method, const char *params) {
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":%s}", id, method, params);
    return next_answer(&peer);
}

static void begin(void) {
    serve(&peer, server);
    initialize(&peer, "{}");
}

static void end(void) {
    OK(tenon_server_free(server));
    close_peer(&peer);
}

/* The status of adding an entry; its message must hold the text. */
static void fails_to_add(tenon_entry *entry, tenon_status wanted, const char *text) {
    tenon_error *err = NULL;
    CHECK_STATUS(wanted, tenon_server_add(server, entry, &err));
    CHECK_IN(text, tenon_error_message(err));
    tenon_error_free(err);
}

/* A folder of the test's own. */
static char root[256];

static void make_root(void) {
    snprintf(root, sizeof root, "/tmp/tenon-c-XXXXXX");
    CHECK(mkdtemp(root) != NULL);
}

static void write_file(const char *folder, const char *name, const char *text) {
    char path[512];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", root, folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s/%s", root, folder, name);
    file = fopen(path, "w");
    CHECK(file != NULL);
    if (file == NULL) return;
    fputs(text, file);
    fclose(file);
}

static void remove_root(void) {
    char command[512];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    CHECK(system(command) == 0);
}

static void views(void) {
    tenon_entry *entry;
    server = new_server();
    OK(tenon_ui_new("ui://a", "<!doctype html><p>", &entry, NULL));
    OK(tenon_entry_set(entry, "ui", "{\"prefersBorder\":true}", TENON_NUL));
    OK(tenon_server_add(server, entry, NULL));
    OK(tenon_ui_new("ui://hidden", "<p>", &entry, NULL));
    OK(tenon_entry_set(entry, "hidden", "true", TENON_NUL));
    OK(tenon_server_add(server, entry, NULL));
    OK(tenon_ui_new_from_folder("ui://folder", "tests/fixtures/view", &entry, NULL));
    OK(tenon_server_add(server, entry, NULL));
    /* They stay when settings change after them. */
    OK(tenon_server_set(server, "title", "\"T\"", TENON_NUL));

    OK(tenon_ui_new("ui://b", "", &entry, NULL));
    fails_to_add(entry, TENON_ERR_INVALID, "is empty");
    OK(tenon_ui_new("http://b", "<p>", &entry, NULL));
    OK(tenon_entry_set(entry, "ui", "{\"csp\":{}}", TENON_NUL));
    fails_to_add(entry, TENON_ERR_INVALID, "ui://");
    OK(tenon_ui_new_from_folder("ui://b", "/nowhere", &entry, NULL));
    fails_to_add(entry, TENON_ERR_INVALID, "index.html");
    OK(tenon_ui_new("ui://a", "<p>", &entry, NULL));
    fails_to_add(entry, TENON_ERR_DUPLICATE, "ui://a");
    begin();
    CHECK_IN("\"text\":\"<!doctype html><p>\",\"_meta\":{\"ui\":{\"prefersBorder\":true}}",
             request(1, "resources/read", "{\"uri\":\"ui://a\"}"));
    CHECK_IN("\"text\":\"<p>\"", request(2, "resources/read", "{\"uri\":\"ui://hidden\"}"));
    CHECK(strstr(request(3, "resources/list", "{}"), "ui://hidden") == NULL);
    CHECK_IN("<title>Folder</title>", request(4, "resources/read", "{\"uri\":\"ui://folder\"}"));
    OK(tenon_server_remove(server, TENON_KIND_RESOURCE, "ui://a"));
    CHECK_IN("not found", request(5, "resources/read", "{\"uri\":\"ui://a\"}"));
    end();
}

static void says(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_text(call, "said", TENON_NUL));
}

/* A server does not start while a tool names a view that it does not have. */
static void missing(void) {
    tenon_entry *entry;
    tenon_error *err = NULL;
    server = new_server();
    OK(tenon_tool_new("shows", &entry, NULL));
    OK(tenon_tool_set_ui(entry, "ui://later"));
    OK(tenon_entry_set_handler(entry, says, NULL, NULL));
    OK(tenon_server_add(server, entry, NULL));
    connect_peer(&peer, server);
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_server_start(server, &err));
    CHECK_IN("tool \"shows\" names the view \"ui://later\"", tenon_error_message(err));
    tenon_error_free(err);
    OK(tenon_ui_new("ui://later", "<p>", &entry, NULL));
    OK(tenon_server_add(server, entry, NULL));
    OK(tenon_server_start(server, NULL));
    initialize(&peer, "{}");
    CHECK_IN("\"_meta\":{\"ui\":{\"resourceUri\":\"ui://later\"}}", request(1, "tools/list", "{}"));
    end();
}

static void skills(void) {
    tenon_error *err = NULL;
    make_root();
    server = new_server();
    CHECK_STATUS(TENON_ERR_INVALID, tenon_server_add_skills(server, root, &err));
    CHECK_IN("it contains no skills", tenon_error_message(err));
    tenon_error_free(err);
    err = NULL;
    write_file("a", "SKILL.md", "---\nname: a\ndescription: For a.\n---\n");
    OK(tenon_server_add_skills(server, root, NULL));
    CHECK_STATUS(TENON_ERR_DUPLICATE, tenon_server_add_skills(server, root, &err));
    CHECK_IN("skill://a/SKILL.md", tenon_error_message(err));
    tenon_error_free(err);
    /* They stay when settings change after them. */
    OK(tenon_server_set(server, "title", "\"T\"", TENON_NUL));
    begin();
    CHECK_IN("\"frontmatter\":{\"name\":\"a\",\"description\":\"For a.\"}", request(1, "skills/list", "{}"));
    write_file("a", "x.txt", "text");
    CHECK_IN("\"uri\":\"skill://a/x.txt\"", request(2, "skills/get", "{\"uri\":\"skill://a/SKILL.md\"}"));
    /* That the list has changed is told somewhere between. */
    CHECK_IN("\"text\":\"text\"", request(3, "resources/read", "{\"uri\":\"skill://a/x.txt\"}"));
    end();
    remove_root();
}

static const struct test all[] = {
    {"views", views},
    {"missing", missing},
    {"skills", skills},
};
RUN_TESTS(all)
