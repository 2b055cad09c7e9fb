/* Wrong on purpose: a build with AddressSanitizer ends at each of these. */
#include <stdlib.h>
#include <string.h>

#include <tenon.h>

int main(int argc, char **argv) {
    tenon_error *err = NULL;
    tenon_server *server = NULL;
    if (argc > 1 && strcmp(argv[1], "program") == 0) {
        char *volatile text = malloc(8);
        free(text);
        return text[0];
    }
    /* An error that was freed already: the library reads it. */
    if (tenon_server_new("", "1", &server, &err) == TENON_OK) return 1;
    tenon_error_free(err);
    return tenon_error_status(err) == TENON_OK;
}
