// Optical Recognition of Handwritten Digits: 1 797 images of 8 x 8 pixels from 0 to 16, with a label.
// E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998. CC BY 4.0.
#ifndef TARTINE_DIGITS_H
#define TARTINE_DIGITS_H

#include <stddef.h>

// The text of the table, a header line first; not terminated by a zero.
const unsigned char *tartine_digits_text(void);
size_t tartine_digits_size(void);

#endif
