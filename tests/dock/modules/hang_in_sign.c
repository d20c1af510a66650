/* Opens its tokens and never comes back from signing. */
#include "module.h"
static rv sign(rv session, void *data, rv length, unsigned char *signature, rv *signature_length) {
    (void)session, (void)data, (void)length, (void)signature, (void)signature_length;
    hang();
    return 0;
}
static void replace(void) { list.function[SIGN] = sign; }
