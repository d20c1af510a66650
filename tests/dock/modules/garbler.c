/* Finds the socket to the gate and writes to it: a length beyond every answer, or with WORDS what is no answer. */
#include "module.h"
#include <sys/socket.h>
static rv initialize(void *arguments) {
    (void)arguments;
#ifdef WORDS
    static const char text[] = "\0\0\0\x0e{\"Ok\":\"fine\"}\n";
#else
    static const char text[] = "\xff\xff\xff\xff";
#endif
    for (int socket = 3; socket < 32; socket++)
        send(socket, text, sizeof text - 1, MSG_NOSIGNAL);
    hang();
    return 0;
}
static void replace(void) { list.function[INITIALIZE] = initialize; }
