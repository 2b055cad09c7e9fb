/* What the files of the conformance fixture share. */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <tenon.h>

/* A tool or a prompt without members but its description. */
struct listed {
    const char *name, *description, *schema;
    tenon_handler_fn handler;
};

/* Completes a call with a text of a format with two %s. */
void returns(tenon_call *call, const char *format, const char *first, const char *second);
/* Asks and gives the answer, or NULL where the callback must return. */
tenon_answer *elicits(tenon_call *call, const char *key, const char *message, const char *schema);

tenon_status add_tools(tenon_server *server, const struct listed *tools, size_t count, tenon_error **err);
tenon_status add_plain(tenon_server *server, tenon_error **err);
tenon_status add_asking(tenon_server *server, tenon_error **err);
tenon_status add_rounds(tenon_server *server, tenon_error **err);
tenon_status add_tasks(tenon_server *server, tenon_error **err);
tenon_status add_resources(tenon_server *server, tenon_error **err);
tenon_status add_prompts(tenon_server *server, tenon_error **err);

#define FORM_OF(property, type) \
    "{\"type\":\"object\",\"properties\":{\"" property "\":{\"type\":\"" type "\"}},\"required\":[\"" property "\"]}"
#define FORM(property) FORM_OF(property, "string")
#define SAMPLE(text, tokens) \
    "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":" text "}}],\"maxTokens\":" tokens "}"
#define COUNT(array) (sizeof(array) / sizeof *(array))

#endif
