/* Writes to where no memory is when it is to sign. With WITNESS it adds a byte to that file first. */
#include "module.h"
#include <fcntl.h>
static rv sign(rv session, void *data, rv length, unsigned char *signature, rv *signature_length) {
    (void)session, (void)data, (void)length, (void)signature, (void)signature_length;
#ifdef WITNESS
    if (write(open(WITNESS, O_WRONLY | O_CREAT | O_APPEND, 0600), "s", 1) != 1)
        abort();
#endif
    *(volatile int *)0 = 1;
    return 0;
}
static void replace(void) { list.function[SIGN] = sign; }
