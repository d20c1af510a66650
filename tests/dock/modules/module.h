/* What the bad modules share: the list of functions (PKCS#11 2.40, CK_FUNCTION_LIST), and the real module behind. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

typedef unsigned long rv;

enum { INITIALIZE = 0, FIND_OBJECTS_INIT = 26, FIND_OBJECTS = 27, SIGN = 43, FUNCTIONS = 68 };

struct list {
    unsigned char version[2];
    void *function[FUNCTIONS];
};

/* What is handed out: the functions of the real module, of which a bad module replaces some. */
static struct list list;
static void *original[FUNCTIONS];

__attribute__((noreturn, unused)) static void hang(void) {
    for (;;)
        pause();
}

/* SOFTHSM is its path, given to the compiler. */
static void take_real(void) {
    void *module = dlopen(SOFTHSM, RTLD_NOW | RTLD_LOCAL);
    rv (*get)(struct list **) = module ? (rv(*)(struct list **))dlsym(module, "C_GetFunctionList") : NULL;
    struct list *real;
    if (!get || get(&real) != 0)
        abort();
    list = *real;
    for (int n = 0; n < FUNCTIONS; n++)
        original[n] = real->function[n];
}

static void replace(void);

rv C_GetFunctionList(struct list **out) {
    take_real();
    replace();
    *out = &list;
    return 0;
}
