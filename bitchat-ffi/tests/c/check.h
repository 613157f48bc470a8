/* What the C tests share. */
#ifndef CHECK_H
#define CHECK_H

#include "bitchat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Exits non-zero and names the line on failure. */
#define CHECK(what)                                                       \
    do {                                                                  \
        if (!(what)) {                                                    \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);    \
            exit(1);                                                      \
        }                                                                 \
    } while (0)

/* A status that is not the expected one is named. */
#define GIVES(status, call)                                                         \
    do {                                                                            \
        int32_t got_ = (call);                                                      \
        if (got_ != (status)) {                                                     \
            fprintf(stderr, "%s:%d: %s gives %s\n", __FILE__, __LINE__, #call,      \
                    bitchat_status_name(got_));                                     \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

#define OK(call) GIVES(BITCHAT_OK, call)

#endif
