/*
 * A server whose settings are a file and whose entries are lines of another: kind, name, and policies with their JSON, with
 * tabs between them. usage: entries SETTINGS ENTRIES
 */
#include <stdio.h>
#include <string.h>
#include <tenon.h>

static void say(void *user_data, tenon_call *call) {
    (void)user_data;
    tenon_call_return_text(call, "said", TENON_NUL);
}

/* Lists the row 1 of a template, whose variable is at its end. The server keeps the template as long as the entry. */
static void list_row(void *user_data, tenon_call *call) {
    const char *name = user_data;
    char uri[128];
    tenon_result *result;
    if (tenon_result_new(&result, NULL) != TENON_OK) return;
    snprintf(uri, sizeof uri, "%.*s1", (int)strcspn(name, "{"), name);
    tenon_result_add_link(result, uri, "row", NULL);
    tenon_call_return(call, result, NULL);
}

static tenon_status make(const char *kind, const char *name, tenon_entry **entry, tenon_error **err) {
    if (strcmp(kind, "tool") == 0) return tenon_tool_new(name, entry, err);
    if (strcmp(kind, "prompt") == 0) return tenon_prompt_new(name, entry, err);
    if (strcmp(kind, "resource") == 0) return tenon_resource_new(name, entry, err);
    if (strcmp(kind, "template") == 0) return tenon_resource_template_new(name, entry, err);
    return tenon_resource_provider_new(name, entry, err);
}

static tenon_status add(tenon_server *server, char *line, tenon_error **err) {
    static char templates[64][128];
    static size_t used;
    const char *kind = strtok(line, "\t\n"), *name = strtok(NULL, "\t\n"), *policy, *value;
    tenon_entry *entry;
    tenon_status status = make(kind, name, &entry, err);
    if (status != TENON_OK) return status;
    while ((policy = strtok(NULL, "\t\n")) != NULL && (value = strtok(NULL, "\t\n")) != NULL)
        tenon_entry_set(entry, policy, value, TENON_NUL);
    if (strcmp(kind, "provider") == 0 && used < sizeof templates / sizeof *templates) {
        snprintf(templates[used], sizeof templates[used], "%s", name);
        tenon_entry_set_list_handler(entry, list_row, templates[used++], NULL);
    }
    tenon_entry_set_handler(entry, say, NULL, NULL);
    return tenon_server_add(server, entry, err);
}

int main(int argc, char **argv) {
    tenon_error *err = NULL;
    tenon_settings *settings;
    tenon_server *server;
    char options[4096], line[4096];
    const char *url;
    FILE *entries;
    int code;
    if (argc != 3 || (entries = fopen(argv[2], "r")) == NULL) return fprintf(stderr, "usage: entries SETTINGS ENTRIES\n"), 2;
    snprintf(options, sizeof options, "{\"file\":\"%s\"}", argv[1]);
    if (tenon_settings_load(options, TENON_NUL, &settings, &err) != TENON_OK) goto failed;
    if (tenon_server_new("random", NULL, &server, &err) != TENON_OK) goto failed;
    if (tenon_server_set_settings(server, settings) != TENON_OK) goto failed;
    tenon_settings_free(settings);
    while (fgets(line, sizeof line, entries) != NULL)
        if (add(server, line, &err) != TENON_OK) goto failed;
    fclose(entries);
    if (tenon_server_start(server, &err) != TENON_OK) goto failed;
    if (tenon_server_http_url(server, &url, NULL) == TENON_OK) printf("listening %s\n", url);
    fflush(stdout);
    if (tenon_server_run(server, &err) != TENON_OK) goto failed;
    code = tenon_server_exit_code(server);
    tenon_server_free(server);
    return code;
failed:
    return fprintf(stderr, "entries: %s\n", tenon_error_message(err)), 1;
}
