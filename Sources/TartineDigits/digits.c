#include "TartineDigits.h"

#pragma clang diagnostic ignored "-Wc23-extensions"
static const unsigned char digits[] = {
#embed "digits.csv"
};

const unsigned char *tartine_digits_text(void) { return digits; }
size_t tartine_digits_size(void) { return sizeof digits; }
