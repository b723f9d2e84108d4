/* options.h - the arguments of the program. */
#ifndef CHAT_OPTIONS_H
#define CHAT_OPTIONS_H

#include "tls.h"

#include <stdint.h>

enum {                                  /* exit statuses [TERM-5] */
    STATUS_GOOD  = 0,
    STATUS_LOST  = 1,                   /* no connection, or not to the good end */
    STATUS_WRONG = 2                    /* wrong arguments, or a wrong handle */
};

struct options {
    const char *host;
    const char *port;                   /* digits: 1 to 65535 */
    int64_t patience;                   /* milliseconds; see CLIENT-11 */
    bool tls;
    struct tls_files tls_files;
};

/* Reads the arguments. Ends the program itself if it is only asked for help or
 * its version, or if an argument is wrong, which it says on standard error. */
struct options options_read(int argc, char *argv[]);

/* Says what is wrong with an argument, and ends the program. */
void options_refuse(const char *format, ...);

#endif
