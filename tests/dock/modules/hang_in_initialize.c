/* Never comes back from being started. */
#include "module.h"
static rv initialize(void *arguments) {
    (void)arguments;
    hang();
    return 0;
}
static void replace(void) { list.function[INITIALIZE] = initialize; }
