/* Says that all went well and gives no list of functions. */
unsigned long C_GetFunctionList(void **out) {
    *out = 0;
    return 0;
}
