/* Faults on purpose: a build with AddressSanitizer must stop at each. */
#include <stdlib.h>
#include <string.h>

#include <tenon.h>

int main(int argc, char **argv) {
    tenon_server *server = NULL;
    uint8_t *key = malloc(32);
    if (argc > 1 && strcmp(argv[1], "program") == 0) {
        char *volatile text = malloc(8);
        free(text);
        return text[0];
    }
    /* A key that was freed already: the library reads it. */
    if (key == NULL || tenon_server_new("a", "1", &server, NULL) != TENON_OK) return 1;
    memset(key, 1, 32);
    free(key);
    return tenon_server_add_state_key(server, key) == TENON_OK;
}
