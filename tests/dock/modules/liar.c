/* Signs, and changes one bit of each signature. */
#include "module.h"
static rv sign(rv session, void *data, rv length, unsigned char *signature, rv *signature_length) {
    rv (*real)(rv, void *, rv, unsigned char *, rv *) = (rv(*)(rv, void *, rv, unsigned char *, rv *))original[SIGN];
    rv result = real(session, data, length, signature, signature_length);
    if (result == 0 && signature)
        signature[*signature_length / 2] ^= 1;
    return result;
}
static void replace(void) { list.function[SIGN] = sign; }
