/* The line loop: blocking reads, and one write for all the lines that one read brought. */
#include "ceiling.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* No message that gets an answer is shorter than eight bytes, and its answer is longer by at most the overhead. */
static char input[MAX_MESSAGE];
static char output[MAX_MESSAGE + MAX_MESSAGE / 8 * MAX_OVERHEAD];

static int write_all(const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t n = write(STDOUT_FILENO, bytes, length);
        if (n < 0) return perror("write"), 1;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

int line_loop(void) {
    size_t filled = 0;
    for (;;) {
        ssize_t n = read(STDIN_FILENO, input + filled, sizeof input - filled);
        if (n < 0) return perror("read"), 1;
        if (n == 0) return filled ? fprintf(stderr, "a line is cut off or too long\n"), 1 : 0;
        filled += (size_t)n;
        char *start = input, *end = input + filled, *newline, *out = output;
        while ((newline = memchr(start, '\n', (size_t)(end - start)))) {
            size_t length = answer(start, (size_t)(newline - start), out);
            if (length > 0) {
                out += length;
                *out++ = '\n';
            }
            start = newline + 1;
        }
        filled = (size_t)(end - start);
        memmove(input, start, filled);
        if (write_all(output, (size_t)(out - output))) return 1;
    }
}
