/* Has C_GetInterface and answers it with CKR_FUNCTION_NOT_SUPPORTED, as a vendor's module does. */
#include "module.h"
rv C_GetInterface(void *name, void *version, void **out, rv flags) {
    (void)name, (void)version, (void)out, (void)flags;
    return 0x54;
}
static void replace(void) {}
