/* Aborts while it is being loaded. */
#include <stdlib.h>
__attribute__((constructor)) static void load(void) { abort(); }
