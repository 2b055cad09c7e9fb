/* Functions that replace a JSON library: declared parameters, pointers into arguments, results written in pieces. */
#include <math.h>

#include "support.h"

static tenon_server *server;
static struct peer peer;

static void begin(tenon_entry *entry, tenon_handler_fn handler, void *user_data) {
    server = new_server();
    OK(tenon_entry_set_handler(entry, handler, user_data, NULL));
    OK(tenon_server_add(server, entry, NULL));
    serve(&peer, server);
    initialize(&peer, "{}");
}

static void end(void) {
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static void nothing(void *user_data, tenon_call *call) {
    (void)user_data;
    OK(tenon_call_return_bool(call, true));
}

static void declared(void) {
    static const struct {
        const char *name, *type, *description;
        tenon_param_flags flags;
    } params[] = {
        {"title", "string", "What it is \"called\".", TENON_PARAM_REQUIRED},
        {"count", "integer", NULL, 0},
        {"share", "number", NULL, 0},
        {"dry", "boolean", NULL, 0},
        {"list", "array", NULL, 0},
        {"size", "object", NULL, TENON_PARAM_REQUIRED},
        {"words", "string[]", "Some.", 0},
        {"level", "{\"enum\":[1,2]}", "One of two.", 0},
        {"plain", " {\"type\":\"null\"}", NULL, 0},
    };
    tenon_entry *entry;
    const char *line;
    size_t i;
    OK(tenon_tool_new("tool", &entry, NULL));
    for (i = 0; i < sizeof params / sizeof *params; i++)
        OK(tenon_tool_add_param(entry, params[i].name, params[i].type, params[i].description, params[i].flags));
    begin(entry, nothing, NULL);
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
    line = next_line(&peer);
    CHECK_IN("\"title\":{\"type\":\"string\",\"description\":\"What it is \\\"called\\\".\"}", line);
    CHECK_IN("\"count\":{\"type\":\"integer\"},\"share\":{\"type\":\"number\"},\"dry\":{\"type\":\"boolean\"}", line);
    CHECK_IN("\"list\":{\"type\":\"array\"},\"size\":{\"type\":\"object\"}", line);
    CHECK_IN("\"words\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"description\":\"Some.\"}", line);
    CHECK_IN("\"level\":{\"enum\":[1,2],\"description\":\"One of two.\"},\"plain\":{\"type\":\"null\"}", line);
    CHECK_IN("\"required\":[\"title\",\"size\"],\"additionalProperties\":false", line);
    call_tool(&peer, 2, "tool", "{\"title\":\"t\"}");
    CHECK_IN("size", next_line(&peer));
    call_tool(&peer, 3, "tool", "{\"title\":\"t\",\"size\":{},\"level\":2}");
    CHECK(has_text(next_line(&peer), "true"));
    end();
}

/* What was asked of the tool, and the reason that the server gives. */
static void refused_params(void) {
    static const struct {
        tenon_status status;
        const char *name, *type, *description;
        tenon_param_flags flags;
        const char *why;
    } wrong[] = {
        {TENON_ERR_NULL, NULL, "string", NULL, 0, "name is NULL"},
        {TENON_ERR_NULL, "a", NULL, NULL, 0, "NULL"},
        {TENON_ERR_UTF8, "a", "string", "\xff", 0, "description is not UTF-8"},
        {TENON_ERR_INVALID, "a", "text", NULL, 0, "there is no type \"text\"; the types are string, integer"},
        {TENON_ERR_INVALID, "a", "text[]", NULL, 0, "no type"},
        {TENON_ERR_INVALID, "a", "", NULL, 0, "no type"},
        {TENON_ERR_INVALID, "a", "string", NULL, 2, "no flags 0x2"},
        {TENON_ERR_INVALID, "a", "{\"description\":\"one\"}", "two", 0, "already has a description"},
        {TENON_ERR_JSON, "a", "{", NULL, 0, "the schema of parameter \"a\" is not JSON"},
        {TENON_ERR_DUPLICATE, "taken", "string", NULL, 0, "the tool already has a parameter \"taken\""},
    };
    tenon_entry *entry;
    tenon_error *err;
    size_t i;
    server = new_server();
    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        OK(tenon_tool_new("tool", &entry, NULL));
        OK(tenon_entry_set_handler(entry, nothing, NULL, NULL));
        OK(tenon_tool_add_param(entry, "taken", "string", NULL, 0));
        CHECK_STATUS(wrong[i].status,
                     tenon_tool_add_param(entry, wrong[i].name, wrong[i].type, wrong[i].description, wrong[i].flags));
        CHECK_STATUS(wrong[i].status, tenon_server_add(server, entry, &err));
        CHECK_IN("tool \"tool\": ", tenon_error_message(err));
        CHECK_IN(wrong[i].why, tenon_error_message(err));
        tenon_error_free(err);
    }
    /* A schema and parameters exclude each other, whichever came first. */
    for (i = 0; i < 4; i++) {
        OK(tenon_tool_new("tool", &entry, NULL));
        OK(tenon_entry_set_handler(entry, nothing, NULL, NULL));
        if (i == 0) OK(tenon_tool_set_input_schema(entry, "{\"type\":\"object\"}"));
        if (i == 1) OK(tenon_entry_set(entry, "input_schema", "{\"type\":\"object\"}", TENON_NUL));
        CHECK_STATUS(i < 2 ? TENON_ERR_STATE : TENON_OK, tenon_tool_add_param(entry, "a", "string", NULL, 0));
        if (i == 2) CHECK_STATUS(TENON_ERR_STATE, tenon_tool_set_input_schema(entry, "{}"));
        if (i == 3) CHECK_STATUS(TENON_ERR_STATE, tenon_entry_set(entry, "inputSchema", "{}", TENON_NUL));
        CHECK_STATUS(TENON_ERR_STATE, tenon_server_add(server, entry, &err));
        CHECK_IN("already", tenon_error_message(err));
        tenon_error_free(err);
    }
    OK(tenon_server_free(server));
}

static void point(void *user_data, tenon_call *call) {
    static const char *const missing[] = {
        "/none", "/size/none", "/size/width/more", "/points/2", "/points/-", "/points/00", "/points/+1", "/points/x",
        "/points/99999999999999999999999", "size/width", "/size//width", "/",
    };
    const char *text, *again;
    int64_t whole;
    double real;
    bool truth;
    size_t len, i;
    (void)user_data;
    OK(tenon_call_arg_int64(call, "/size/width", &whole));
    CHECK(whole == 640);
    OK(tenon_call_arg_double(call, "/points/1/x", &real));
    CHECK(real == 2.5);
    OK(tenon_call_arg_bool(call, "/points/0/on", &truth));
    CHECK(truth);
    OK(tenon_call_arg_string(call, "/size/unit", &text, &len));
    CHECK(strcmp(text, "p\xc3\xa4x") == 0 && len == 4);
    OK(tenon_call_arg_string(call, "/size/unit", &again, NULL));
    CHECK(again == text);
    OK(tenon_call_arg_json(call, "/points/1", &text, &len));
    CHECK(len == 9 && memcmp(text, "{\"x\":2.5}", len) == 0);
    /* Names with the signs that pointers are made of. */
    OK(tenon_call_arg_int64(call, "a/b", &whole));
    CHECK(whole == 1);
    OK(tenon_call_arg_int64(call, "/a~1b", &whole));
    CHECK(whole == 1);
    OK(tenon_call_arg_int64(call, "/~0~01", &whole));
    CHECK(whole == 2);
    OK(tenon_call_arg_int64(call, "/~1", &whole));
    CHECK(whole == 3);
    OK(tenon_call_arg_int64(call, "/nested//", &whole));
    CHECK(whole == 4);
    for (i = 0; i < sizeof missing / sizeof *missing; i++)
        CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_arg_int64(call, missing[i], &whole));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_arg_int64(call, "/size", &whole));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_call_arg_int64(call, "/a~2b", &whole));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_call_arg_int64(call, "/a~", &whole));
    CHECK(whole == 4);
    /* Returns because of a failure, which the client is told. */
    if (tenon_call_arg_string(call, "/points/7/label", &text, NULL) != TENON_OK) return;
    check_failed(__FILE__, __LINE__, "there is no such point", text);
}

static void pointers(void) {
    tenon_entry *entry;
    OK(tenon_tool_new("point", &entry, NULL));
    OK(tenon_tool_set_input_schema(entry, "{\"type\":\"object\"}"));
    begin(entry, point, NULL);
    call_tool(&peer, 1, "point",
              "{\"size\":{\"width\":640,\"unit\":\"p\\u00e4x\"},\"points\":[{\"on\":true},{\"x\":2.5}],"
              "\"a/b\":1,\"~~1\":2,\"/\":3,\"nested\":{\"\":{\"\":4}}}");
    CHECK_IN("argument \\\"/points/7/label\\\" is missing", next_line(&peer));
    end();
}

/* Writes a result with all there is. */
static void everything(tenon_result *result) {
    OK(tenon_result_begin_object(result, NULL));
    OK(tenon_result_put_string(result, "name", "A \"b\" c", 5));
    OK(tenon_result_put_int64(result, "least", INT64_MIN));
    OK(tenon_result_put_double(result, "half", 0.5));
    OK(tenon_result_put_bool(result, "on", true));
    OK(tenon_result_put_null(result, "none"));
    OK(tenon_result_begin_array(result, "rows"));
    OK(tenon_result_put_int64(result, NULL, 1));
    OK(tenon_result_begin_object(result, NULL));
    OK(tenon_result_end(result));
    OK(tenon_result_begin_array(result, NULL));
    OK(tenon_result_put_json(result, NULL, "{\"a\":\n1}", TENON_NUL));
    OK(tenon_result_end(result));
    OK(tenon_result_end(result));
    OK(tenon_result_end(result));
}

#define WRITTEN \
    "{\"name\":\"A \\\"b\\\"\",\"least\":-9223372036854775808,\"half\":0.5,\"on\":true,\"none\":null," \
    "\"rows\":[1,{},[{\"a\":1}]]}"

static void write_all(void *user_data, tenon_call *call) {
    tenon_result *result;
    (void)user_data;
    OK(tenon_result_new(&result, NULL));
    everything(result);
    OK(tenon_call_return(call, result, NULL));
}

static void written(void) {
    tenon_entry *entry;
    OK(tenon_tool_new("write", &entry, NULL));
    begin(entry, write_all, NULL);
    call_tool(&peer, 1, "write", "{}");
    CHECK_IN("\"structuredContent\":" WRITTEN, next_line(&peer));
    end();
    /* Of a method it is the result itself. */
    OK(tenon_method_new("acme/write", &entry, NULL));
    begin(entry, write_all, NULL);
    send_line(&peer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"acme/write\"}");
    CHECK_IN("\"result\":" WRITTEN, next_line(&peer));
    end();
}

/* One function that does not fit, after what came before; and what the client could not be told for it. */
struct misplaced {
    tenon_status status;
    const char *why;
    tenon_status (*write)(tenon_result *result);
};

static tenon_status object(tenon_result *result) { return tenon_result_begin_object(result, NULL); }
static tenon_status array(tenon_result *result) { return tenon_result_begin_array(result, NULL); }
static tenon_status keyed_root(tenon_result *result) { return tenon_result_put_bool(result, "a", true); }
static tenon_status end_of_none(tenon_result *result) { return tenon_result_end(result); }
static tenon_status without_key(tenon_result *result) { return object(result) || tenon_result_put_null(result, NULL); }
static tenon_status with_key(tenon_result *result) {
    return array(result) || tenon_result_put_string(result, "a", "b", 1);
}
static tenon_status twice(tenon_result *result) {
    tenon_status status = object(result);
    if (status == TENON_OK) status = tenon_result_put_int64(result, "a", 1);
    return status == TENON_OK ? tenon_result_put_int64(result, "a", 2) : status;
}
static tenon_status second_root(tenon_result *result) {
    tenon_status status = tenon_result_put_int64(result, NULL, 1);
    return status == TENON_OK ? tenon_result_put_int64(result, NULL, 2) : status;
}
static tenon_status after_end(tenon_result *result) {
    tenon_status status = array(result);
    if (status == TENON_OK) status = tenon_result_end(result);
    return status == TENON_OK ? tenon_result_end(result) : status;
}
static tenon_status not_finite(tenon_result *result) { return tenon_result_put_double(result, NULL, INFINITY); }
static tenon_status not_json(tenon_result *result) { return tenon_result_put_json(result, NULL, "{", 1); }
static tenon_status structured_before(tenon_result *result) {
    tenon_status status = tenon_result_set_structured(result, "{}", 2);
    return status == TENON_OK ? object(result) : status;
}
static tenon_status structured_after(tenon_result *result) {
    tenon_status status = object(result);
    return status == TENON_OK ? tenon_result_set_structured(result, "{}", 2) : status;
}
static tenon_status member_after(tenon_result *result) {
    tenon_status status = object(result);
    return status == TENON_OK ? tenon_result_set(result, "structuredContent", "{}", 2) : status;
}
static tenon_status too_deep(tenon_result *result) {
    tenon_status status = TENON_OK;
    int level;
    for (level = 0; level < 1000 && status == TENON_OK; level++) status = array(result);
    CHECK(level == 129);
    return status;
}

static const struct misplaced misplaced[] = {
    {TENON_ERR_STATE, "no object is open; key must be NULL here, not \\\"a\\\"", keyed_root},
    {TENON_ERR_STATE, "no object or array is open", end_of_none},
    {TENON_ERR_STATE, "an object is open; key must not be NULL here", without_key},
    {TENON_ERR_STATE, "an array is open; key must be NULL", with_key},
    {TENON_ERR_DUPLICATE, "the object already has a member \\\"a\\\"", twice},
    {TENON_ERR_STATE, "already complete", second_root},
    {TENON_ERR_STATE, "no object or array is open", after_end},
    {TENON_ERR_TYPE, "inf is not a number", not_finite},
    {TENON_ERR_JSON, "not JSON", not_json},
    {TENON_ERR_STATE, "already has structured content", structured_before},
    {TENON_ERR_STATE, "already written piece by piece", structured_after},
    {TENON_ERR_STATE, "already written piece by piece", member_after},
    {TENON_ERR_INVALID, "nested deeper than 128", too_deep},
    /* This one is noticed by tenon_call_return() only. */
    {TENON_OK, "not complete; 1 objects or arrays are open", object},
};

static void misplace(void *user_data, tenon_call *call) {
    int64_t which;
    tenon_result *result;
    tenon_error *err = NULL;
    (void)user_data;
    OK(tenon_call_arg_int64(call, "which", &which));
    OK(tenon_result_new(&result, NULL));
    CHECK((misplaced[which].write(result) != TENON_OK) == (misplaced[which].status != TENON_OK));
    CHECK(tenon_call_return(call, result, &err) ==
          (misplaced[which].status == TENON_OK ? TENON_ERR_STATE : misplaced[which].status));
    CHECK(strlen(tenon_error_message(err)) > 0);
    tenon_error_free(err);
}

static void wrong_order(void) {
    tenon_entry *entry;
    char arguments[32];
    size_t i;
    OK(tenon_tool_new("misplace", &entry, NULL));
    OK(tenon_tool_add_param(entry, "which", "integer", NULL, TENON_PARAM_REQUIRED));
    begin(entry, misplace, NULL);
    for (i = 0; i < sizeof misplaced / sizeof *misplaced; i++) {
        sprintf(arguments, "{\"which\":%d}", (int)i);
        call_tool(&peer, (int)i + 1, "misplace", arguments);
        CHECK_IN(misplaced[i].why, next_line(&peer));
    }
    end();
}

static const struct test all[] = {
    {"declared", declared}, {"refused_params", refused_params}, {"pointers", pointers},
    {"written", written},   {"wrong_order", wrong_order},
};
RUN_TESTS(all)
