/* Works, and never comes back from being unloaded. */
#include "module.h"
__attribute__((destructor)) static void unload(void) { hang(); }
static void replace(void) {}
