/* Writes to the socket of the gate one byte of an answer that has no end, again and again. */
#include "module.h"
#include <sys/socket.h>
__attribute__((noreturn)) static rv initialize(void *arguments) {
    (void)arguments;
    for (int socket = 3; socket < 32; socket++)
        send(socket, "\0\x10\0\0", 4, MSG_NOSIGNAL);
    for (;; usleep(20000))
        for (int socket = 3; socket < 32; socket++)
            send(socket, " ", 1, MSG_NOSIGNAL);
}
static void replace(void) { list.function[INITIALIZE] = initialize; }
