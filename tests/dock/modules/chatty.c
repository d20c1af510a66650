/* Works, prints megabytes wherever it can print, and reads what it can read. */
#include "module.h"
#include <string.h>
static void chat(void) {
    static char text[1 << 20];
    char line[64];
    memset(text, '{', sizeof text);
    for (int n = 0; n < 4; n++)
        for (int where = 1; where <= 2; where++)
            if (write(where, text, sizeof text) < 0)
                abort();
    if (read(0, line, sizeof line) < 0)
        abort();
}
static rv initialize(void *arguments) {
    chat();
    return ((rv(*)(void *))original[INITIALIZE])(arguments);
}
static rv sign(rv session, void *data, rv length, unsigned char *signature, rv *signature_length) {
    chat();
    return ((rv(*)(rv, void *, rv, unsigned char *, rv *))original[SIGN])(session, data, length, signature,
                                                                           signature_length);
}
static void replace(void) {
    list.function[INITIALIZE] = initialize;
    list.function[SIGN] = sign;
}
