/* JSON text as a tree (RFC 8259, strictly): what eegpu itself writes is read back with it. Comes in: bytes; goes out: nodes that
 * point into them. Called by scan_read.c. */
#ifndef EG_REPORT_JSON_READ_H
#define EG_REPORT_JSON_READ_H

#include <stddef.h>

#include "base/status.h"

typedef enum eg_json_kind {
    EG_JSON_NULL,
    EG_JSON_BOOL,
    EG_JSON_NUMBER,
    EG_JSON_STRING,
    EG_JSON_ARRAY,
    EG_JSON_OBJECT
} eg_json_kind;

typedef struct eg_json_node {
    eg_json_kind kind;
    const char *name;                        /* of a member, decoded; NULL in arrays and at the top */
    const char *text;                        /* of a string, decoded, without zero bytes */
    double number;                           /* 1 for true */
    size_t count;                            /* of children */
    const struct eg_json_node *child, *next; /* the first of them; the next sibling */
} eg_json_node;

typedef struct eg_json {
    eg_json_node *nodes; /* nodes[0] is the top */
    char *strings;
    size_t count;
} eg_json;

/* EEGPU_BAD_INPUT with the line; text that ends too early is said to be truncated. `what` is the name of the file. */
EG_MUST eg_json_read(const char *text, size_t size, const char *what, eg_json *json);
void eg_json_free(eg_json *json);

/* The member of an object, or NULL. */
const eg_json_node *eg_json_member(const eg_json_node *object, const char *name);

#endif
