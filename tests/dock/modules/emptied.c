/* Finds nothing, without an error, as a token does that was emptied; with CERTIFICATES finds no certificate. */
#include "module.h"
struct attribute {
    rv type;
    void *value;
    rv length;
};
static int nothing;
static rv find_objects_init(rv session, struct attribute *template, rv count) {
    rv (*real)(rv, struct attribute *, rv) = (rv(*)(rv, struct attribute *, rv))original[FIND_OBJECTS_INIT];
    nothing = 1;
#ifdef CERTIFICATES
    nothing = 0;
    for (rv n = 0; n < count; n++) /* CKA_CLASS is 0, CKO_CERTIFICATE is 1 */
        nothing |= template[n].type == 0 && *(rv *)template[n].value == 1;
#endif
    return real(session, template, count);
}
static rv find_objects(rv session, rv *objects, rv most, rv *count) {
    rv (*real)(rv, rv *, rv, rv *) = (rv(*)(rv, rv *, rv, rv *))original[FIND_OBJECTS];
    if (!nothing)
        return real(session, objects, most, count);
    *count = 0;
    return 0;
}
static void replace(void) {
    list.function[FIND_OBJECTS_INIT] = find_objects_init;
    list.function[FIND_OBJECTS] = find_objects;
}
