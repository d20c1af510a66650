/* Never comes back from being loaded. */
#include <unistd.h>
__attribute__((constructor)) static void load(void) {
    for (;;)
        pause();
}
