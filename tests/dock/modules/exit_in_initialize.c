/* Ends the process with status 0 when it is started. */
#include "module.h"
static rv initialize(void *arguments) {
    (void)arguments;
    exit(0);
}
static void replace(void) { list.function[INITIALIZE] = initialize; }
