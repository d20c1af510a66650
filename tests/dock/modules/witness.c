/* Works, and writes to the file WITNESS which variables and open files it sees when it is loaded, and whether a core of
 * it would be dumped. */
#include "module.h"
#include <stdio.h>
#include <sys/prctl.h>
extern char **environ;
__attribute__((constructor)) static void load(void) {
    FILE *file = fopen(WITNESS, "a");
    if (!file)
        abort();
    for (char **variable = environ; *variable; variable++)
        fprintf(file, "variable %s\n", *variable);
    for (int number = 0; number < 256; number++) {
        char link[64], target[512];
        snprintf(link, sizeof link, "/proc/self/fd/%d", number);
        ssize_t length = readlink(link, target, sizeof target - 1);
        if (length >= 0)
            fprintf(file, "file %d %.*s\n", number, (int)length, target);
    }
    fprintf(file, "dumpable %d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    fclose(file);
}
static void replace(void) {}
