/* Starts a process that never ends and keeps the socket of the gate open, and ends itself with status 0. */
#include <stdlib.h>
#include <unistd.h>
__attribute__((constructor)) static void load(void) {
    if (fork() == 0)
        for (;;)
            pause();
    exit(0);
}
