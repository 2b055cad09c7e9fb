/* Serves the files below a folder, its argument, and nothing outside of it, also if a link leads there. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tenon.h>

static void read_file(void *folder, tenon_call *call) {
    const char *path;
    char joined[PATH_MAX], *file;
    struct stat about;
    const size_t below = strlen(folder);
    if (tenon_call_arg_string(call, "path", &path, NULL) != TENON_OK) return;
    const int length = snprintf(joined, sizeof joined, "%s/%s", (const char *)folder, path);
    /* realpath() follows links, so this is the file that would be opened. */
    file = length < PATH_MAX ? realpath(joined, NULL) : NULL;
    if (file == NULL || strncmp(file, folder, below) != 0 || file[below] != '/' || stat(file, &about) != 0 ||
        !S_ISREG(about.st_mode)) {
        tenon_call_not_found(call, NULL);
    } else {
        const size_t size = (size_t)about.st_size;
        char *bytes = malloc(size + 1);
        FILE *in = fopen(file, "rb");
        if (in == NULL || bytes == NULL || fread(bytes, 1, size, in) != size) tenon_call_fail(call, "the file cannot be read");
        else if (tenon_call_return_text(call, bytes, size) < 0) tenon_call_fail(call, tenon_error_last_message());
        if (in != NULL) fclose(in);
        free(bytes);
    }
    free(file);
}

int main(int argc, char **argv) {
    tenon_server *app; tenon_entry *files; tenon_error *err = NULL;
    char *folder = realpath(argc > 1 ? argv[1] : ".", NULL);
    if (folder == NULL) return perror("below"), 1;
    /* What files below it start with, up to a slash: of the root that is nothing. */
    if (strcmp(folder, "/") == 0) folder[0] = '\0';
    if (tenon_server_new("below", "1.0.0", &app, &err) || tenon_resource_template_new("below://{+path}", &files, &err)) goto failed;
    tenon_entry_set_handler(files, read_file, folder, free);
    if (tenon_server_add(app, files, &err) || tenon_server_listen_stdio(app, &err)) goto failed;
    if (tenon_server_run(app, &err) == TENON_OK) return tenon_server_exit_code(app);
failed:
    return fprintf(stderr, "below: %s\n", tenon_error_message(err)), 1;
}
