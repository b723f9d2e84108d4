/* now.h - a clock that nobody sets. */
#ifndef CHAT_NOW_H
#define CHAT_NOW_H

#include <stdint.h>

/* Milliseconds. */
int64_t now(void);

#endif
