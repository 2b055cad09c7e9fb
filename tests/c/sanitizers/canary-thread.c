/* Faults on purpose: a build with ThreadSanitizer must find each. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <tenon.h>

static int shared;
static tenon_result *result;

static void *wrong(void *what) {
    if (strcmp(what, "program") == 0) {
        shared++;
    } else {
        /* One thread at a time may use it. */
        (void)tenon_result_add_text(result, "a", 1);
    }
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[2];
    int i;
    if (argc < 2 || tenon_result_new(&result, NULL) != TENON_OK) return 1;
    /* Room for both, so that they race and do nothing worse. */
    for (i = 0; i < 5; i++)
        if (tenon_result_add_text(result, "a", 1) != TENON_OK) return 1;
    for (i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, wrong, argv[1]) != 0) return 1;
    for (i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    tenon_result_free(result);
    return 0;
}
