#include "ceiling.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    if (argc == 1) return line_loop();
    if (argc == 3 && strcmp(argv[1], "--http") == 0) return http_endpoint(argv[2]);
    fprintf(stderr, "usage: ceiling [--http HOST:PORT]\n");
    return 2;
}
