/* Wrong arguments of call functions. Afterwards the call can still be completed, but only once. */
#include <math.h>

#include "support.h"

/* With a live call, in its callback. */
static void probe(void *user_data, tenon_call *call) {
    const char *text = "untouched";
    size_t len = 77;
    int64_t number = 77;
    double real = 77;
    bool truth = true;
    tenon_answer *answer = NULL;
    tenon_result *result = NULL;
    (void)user_data;

    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arguments(call, NULL, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arguments(call, &text, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_int64(call, NULL, &number));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_int64(call, "n", NULL));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_arg_int64(call, "\xff", &number));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_arg_int64(call, "none", &number));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_arg_int64(call, "s", &number));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_arg_int64(call, "big", &number));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_arg_int64(call, "half", &number));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_arg_double(call, "none", &real));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_arg_double(call, "s", &real));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_double(call, "half", NULL));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_arg_bool(call, "s", &truth));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_bool(call, NULL, &truth));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_bool(call, "t", NULL));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_arg_string(call, "n", &text, &len));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_arg_string(call, "", &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_string(call, "s", NULL, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_json(call, "s", NULL, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_arg_json(call, "s", &text, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_arg_json(call, "none", &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_name(call, NULL, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_uri(call, NULL, &len));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_uri(call, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_get(call, NULL, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_get(call, "meta", NULL, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_get(call, "meta", &text, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_get(call, "uri", &text, &len));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_call_get(call, "color", &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_once_get(call, NULL, &text, &len));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_once_get(call, "k", &text, &len));
    CHECK_ERROR(TENON_ERR_NULL, "key", tenon_call_once_put(call, NULL, "1", 1, &err));
    CHECK_ERROR(TENON_ERR_NULL, "value", tenon_call_once_put(call, "k", NULL, 1, &err));
    CHECK_ERROR(TENON_ERR_JSON, "not JSON", tenon_call_once_put(call, "k", "{", 1, &err));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_log(call, NULL, NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_log(call, "info", NULL, NULL, 1));
    CHECK_STATUS(TENON_ERR_INVALID, tenon_call_log(call, "loud", NULL, "a", 1));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_log(call, "info", "\xff", "a", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_log_json(call, NULL, NULL, "1", 1));
    CHECK_STATUS(TENON_ERR_JSON, tenon_call_log_json(call, "info", NULL, "{", 1));
    CHECK(tenon_call_kind(call) == TENON_KIND_TOOL);
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_request_id(call, &text, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_protocol_version(call, NULL, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_client_info(call, &text, NULL));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_client_capabilities(call, NULL, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_session_id(call, &text, NULL));
    CHECK_STATUS(TENON_ERR_NOT_FOUND, tenon_call_session_id(call, &text, &len));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_meta(call, NULL, &len));
    CHECK(strcmp(text, "untouched") == 0 && len == 77 && number == 77 && real == 77 && truth);
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_progress(call, 1, 2, "\xff"));
    OK(tenon_call_progress(call, NAN, NAN, NULL));
    OK(tenon_call_progress(call, INFINITY, -1, NULL));

    CHECK_ERROR(TENON_ERR_NULL, "message", tenon_call_elicit(call, NULL, NULL, "{}", &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "schema", tenon_call_elicit(call, NULL, "?", NULL, &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "answer", tenon_call_elicit(call, NULL, "?", "{}", NULL, &err));
    CHECK_ERROR(TENON_ERR_JSON, "schema", tenon_call_elicit(call, NULL, "?", "{", &answer, &err));
    CHECK_ERROR(TENON_ERR_UTF8, "key", tenon_call_elicit(call, "\xff", "?", "{}", &answer, &err));
    CHECK_ERROR(TENON_ERR_INVALID, "elicitation", tenon_call_elicit(call, NULL, "?", "[]", &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "url", tenon_call_elicit_url(call, NULL, "?", NULL, NULL, &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "message", tenon_call_elicit_url(call, NULL, NULL, "a:b", NULL, &answer, &err));
    CHECK_ERROR(TENON_ERR_UNSUPPORTED, "", tenon_call_elicit_url(call, NULL, "?", "a:b", NULL, &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "url", tenon_call_require_url(call, "?", NULL, NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "message", tenon_call_require_url(call, NULL, "a:b", NULL, &err));
    CHECK_ERROR(TENON_ERR_NULL, "params", tenon_call_sample(call, NULL, NULL, 1, &answer, &err));
    CHECK_ERROR(TENON_ERR_JSON, "params", tenon_call_sample(call, NULL, "{", 1, &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "answer", tenon_call_sample(call, NULL, "{}", 2, NULL, &err));
    CHECK_ERROR(TENON_ERR_UNSUPPORTED, "", tenon_call_sample(call, NULL, "{}", 2, &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "answer", tenon_call_roots(call, NULL, NULL, &err));
    CHECK_ERROR(TENON_ERR_UNSUPPORTED, "", tenon_call_roots(call, NULL, &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "question", tenon_call_ask(call, NULL, NULL, "{}", 2, &answer, &err));
    CHECK_ERROR(TENON_ERR_INVALID, "elicit_url", tenon_call_ask(call, "why", NULL, "{}", 2, &answer, &err));
    CHECK_ERROR(TENON_ERR_JSON, "params", tenon_call_ask(call, "roots", NULL, "{", 1, &answer, &err));
    CHECK_ERROR(TENON_ERR_NULL, "answer", tenon_call_ask(call, "roots", NULL, "{}", 2, NULL, &err));
    CHECK(answer == NULL);

    CHECK_ERROR(TENON_ERR_NULL, "result", tenon_call_return(call, NULL, &err));
    OK(tenon_result_new(&result, NULL));
    CHECK_STATUS(TENON_ERR_JSON, tenon_result_set_meta(result, "{", 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_result_add_text(result, NULL, 1));
    CHECK_ERROR(TENON_ERR_JSON, "metadata is not JSON", tenon_call_return(call, result, &err));
    OK(tenon_result_new(&result, NULL));
    OK(tenon_result_set(result, "next_cursor", "1", 1));
    CHECK_ERROR(TENON_ERR_INVALID, "tool \"probe\": unknown member", tenon_call_return(call, result, &err));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_return_bytes(call, NULL, 1));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_not_found(call, "\xff"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_error(call, 1, NULL, NULL));
    CHECK_STATUS(TENON_ERR_JSON, tenon_call_error(call, 1, "a", "{"));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_return_text(call, NULL, 1));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_return_text(call, NULL, TENON_NUL));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_return_text(call, "a\xff", TENON_NUL));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_return_text(call, "a\xc3\xa4", 2));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_return_text(call, "a", SIZE_MAX - 1));
    CHECK_ERROR(TENON_ERR_NULL, "result", tenon_call_return_json(call, NULL, 1, &err));
    CHECK_ERROR(TENON_ERR_JSON, "\"probe\"", tenon_call_return_json(call, "{\"a\":", TENON_NUL, &err));
    CHECK_ERROR(TENON_ERR_JSON, "not JSON", tenon_call_return_json(call, NULL, 0, &err));
    CHECK_ERROR(TENON_ERR_JSON, "not JSON", tenon_call_return_json(call, "{\"a\":1,\"a\":2}", TENON_NUL, &err));
    CHECK_ERROR(TENON_ERR_UTF8, "not UTF-8", tenon_call_return_json(call, "\"\xff\"", TENON_NUL, &err));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_return_double(call, NAN));
    CHECK_STATUS(TENON_ERR_TYPE, tenon_call_return_double(call, -INFINITY));
    CHECK_STATUS(TENON_ERR_NULL, tenon_call_fail(call, NULL));
    CHECK_STATUS(TENON_ERR_UTF8, tenon_call_fail(call, "\xff"));
    /* After all of these the call can still be completed, and once only. */
    CHECK(!tenon_call_is_cancelled(call));
    OK(tenon_call_return_text(call, "survived", 8));
    CHECK(tenon_call_is_cancelled(call));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_text(call, "again", TENON_NUL));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_json(call, "1", 1, NULL));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_fail(call, "again"));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_progress(call, 5, 6, "late"));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_log(call, "info", NULL, "late", 4));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_once_put(call, "k", "1", 1, NULL));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return_bytes(call, NULL, 0));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_not_found(call, NULL));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_error(call, 1, "a", NULL));
    OK(tenon_result_new(&result, NULL));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_return(call, result, NULL));
    CHECK_STATUS(TENON_ERR_STALE, tenon_call_elicit(call, NULL, "?", "{\"type\":\"object\",\"properties\":{}}", &answer, NULL));
    OK(tenon_call_arg_string(call, "s", &text, &len));
    CHECK(strcmp(text, "x") == 0 && len == 1);
}

static void calls(void) {
    tenon_server *server = new_server();
    struct peer peer;
    add_tool(server, "probe", "{\"type\":\"object\"}", TENON_MODE_WORKER, probe, NULL, NULL);
    serve(&peer, server);
    initialize(&peer, ELICITATION);
    call_tool(&peer, 1, "probe", "{\"s\":\"x\",\"n\":1,\"big\":9223372036854775808,\"half\":0.5,\"t\":true}");
    CHECK(has_text(next_line(&peer), "survived"));
    OK(tenon_server_free(server));
    close_peer(&peer);
}

static const struct test all[] = {
    {"calls", calls},
};
RUN_TESTS(all)
