/*
 * A greenhouse with sensors and actuators, in a program with a main loop of its own. Each device is a resource that clients
 * subscribe to; tools read and set them. All callbacks run in the loop (TENON_MODE_POLL), so the state needs no lock.
 *
 * Serves stdio; with an argument such as 127.0.0.1:8000, HTTP.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <tenon.h>

#define MOST_JSON 160
#define TICK_NANOSECONDS 100000000
#define FAN_MOST 100
/* Degrees without wind, degrees that the fan takes away at its most, and what part of the way a tick goes. */
#define WARM 30.0
#define COOLING 12.0
#define STEP 0.05

enum { TEMPERATURE, HUMIDITY, LIGHT, FAN, LED, DEVICES };

struct device {
    const char *name, *folder, *unit;
    double value; /* of the LED 0 or 1 */
    char updated[sizeof "2000-01-01T00:00:00Z"];
};

struct greenhouse {
    tenon_server *server;
    double air; /* the temperature, not rounded */
    struct device devices[DEVICES];
};

static void address(const struct device *device, char uri[64]) {
    snprintf(uri, 64, "device://%s/%s", device->folder, device->name);
}

/* Keeps a value, and tells those who are subscribed if it has moved. */
static void set(struct greenhouse *house, int which, double value) {
    struct device *device = &house->devices[which];
    const time_t now = time(NULL);
    struct tm utc;
    char uri[64];
    if (device->updated[0] != '\0' && device->value == value) return;
    device->value = value;
    strftime(device->updated, sizeof device->updated, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    address(device, uri);
    tenon_server_resource_updated(house->server, uri);
}

/* One step of the greenhouse: the fan cools, cool air holds less water, the LED gives light. */
static void tick(struct greenhouse *house) {
    house->air += (WARM - COOLING * house->devices[FAN].value / FAN_MOST - house->air) * STEP;
    set(house, TEMPERATURE, round(house->air * 10) / 10);
    set(house, HUMIDITY, round(20 + house->air));
    set(house, LIGHT, house->devices[LED].value > 0 ? 850 : 120);
}

/* Writes a device as JSON; returns its length. No name or unit needs an escape. */
static size_t describe(const struct device *device, char json[MOST_JSON]) {
    char value[32];
    int len;
    if (strcmp(device->name, "led") == 0) {
        snprintf(value, sizeof value, "%s", device->value > 0 ? "\"on\"" : "\"off\"");
    } else {
        snprintf(value, sizeof value, "%.10g", device->value);
    }
    len = snprintf(
        json, MOST_JSON, "{\"name\":\"%s\",\"value\":%s,\"unit\":\"%s\",\"updated\":\"%s\"}", device->name, value,
        device->unit, device->updated);
    return (size_t)len;
}

static void answer(tenon_call *call, const struct device *device) {
    char json[MOST_JSON];
    tenon_call_return_json(call, json, describe(device, json), NULL);
}

static void list_devices(void *user_data, tenon_call *call) {
    struct greenhouse *house = user_data;
    tenon_result *result;
    char json[MOST_JSON];
    int i;
    if (tenon_result_new(&result, NULL) != TENON_OK) return;
    tenon_result_begin_object(result, NULL);
    for (i = 0; i < DEVICES; i++) {
        if (i == 0 || i == FAN) tenon_result_begin_array(result, house->devices[i].folder);
        tenon_result_put_json(result, NULL, json, describe(&house->devices[i], json));
        if (i == LIGHT || i == LED) tenon_result_end(result);
    }
    tenon_result_end(result);
    tenon_call_return(call, result, NULL);
}

/* Whether an argument is this word: it may hold NULs. */
static int is(const char *argument, size_t len, const char *word) {
    return len == strlen(word) && memcmp(argument, word, len) == 0;
}

/* The device of the argument `name` in [first, past); else the call fails, with those that there are. */
static int find(struct greenhouse *house, tenon_call *call, int first, int past) {
    const char *name;
    char text[256];
    size_t len;
    int i;
    if (tenon_call_arg_string(call, "name", &name, &len) != TENON_OK) return -1;
    for (i = first; i < past; i++)
        if (is(name, len, house->devices[i].name)) return i;
    /* Cut where a character of UTF-8 begins, not within one. */
    for (i = len < 40 ? (int)len : 40; i > 0 && ((unsigned char)name[i] & 0xC0) == 0x80; i--) continue;
    snprintf(text, sizeof text, "Error: there is no %.*s in %s; there are", i, name, house->devices[first].folder);
    for (i = first; i < past; i++) {
        strcat(text, i == first ? " " : ", ");
        strcat(text, house->devices[i].name);
    }
    tenon_call_fail(call, text);
    return -1;
}

static void read_sensor(void *user_data, tenon_call *call) {
    struct greenhouse *house = user_data;
    const int which = find(house, call, TEMPERATURE, FAN);
    if (which >= 0) answer(call, &house->devices[which]);
}

static void set_actuator(void *user_data, tenon_call *call) {
    struct greenhouse *house = user_data;
    const int which = find(house, call, FAN, DEVICES);
    const char *word;
    size_t len;
    double number;
    if (which == FAN) {
        if (tenon_call_arg_double(call, "value", &number) != TENON_OK || !(number >= 0 && number <= FAN_MOST)) {
            tenon_call_fail(call, "Error: fan takes a number from 0 to 100");
            return;
        }
        set(house, FAN, number);
    } else if (which == LED) {
        if (tenon_call_arg_string(call, "value", &word, &len) != TENON_OK || !(is(word, len, "on") || is(word, len, "off"))) {
            tenon_call_fail(call, "Error: led takes \"on\" or \"off\"");
            return;
        }
        set(house, LED, is(word, len, "on"));
    } else {
        return;
    }
    answer(call, &house->devices[which]);
}

static void read_device(void *device, tenon_call *call) {
    answer(call, device);
}

/* Registers an entry whose callback runs in the loop. */
static tenon_status add(
    tenon_server *server, tenon_entry *entry, const char *description, tenon_handler_fn handler, void *data,
    tenon_error **err) {
    tenon_entry_set_description(entry, description);
    tenon_entry_set_mode(entry, TENON_MODE_POLL);
    tenon_entry_set_handler(entry, handler, data, NULL);
    return tenon_server_add(server, entry, err);
}

static tenon_status add_all(struct greenhouse *house, tenon_error **err) {
    tenon_entry *entry;
    tenon_status status;
    int i;
    if ((status = tenon_tool_new("list_devices", &entry, err))) return status;
    tenon_tool_set_structured(entry, true);
    if ((status = add(house->server, entry, "All sensors and actuators.", list_devices, house, err))) return status;
    if ((status = tenon_tool_new("read_sensor", &entry, err))) return status;
    tenon_tool_set_structured(entry, true);
    tenon_tool_add_param(entry, "name", "string", "temperature, humidity or light.", TENON_PARAM_REQUIRED);
    if ((status = add(house->server, entry, "What a sensor says now.", read_sensor, house, err))) return status;
    if ((status = tenon_tool_new("set_actuator", &entry, err))) return status;
    tenon_tool_set_structured(entry, true);
    tenon_tool_add_param(entry, "name", "string", "fan or led.", TENON_PARAM_REQUIRED);
    tenon_tool_add_param(
        entry, "value", "{\"type\":[\"number\",\"string\"]}", "Of the fan 0 to 100, of the led \"on\" or \"off\".",
        TENON_PARAM_REQUIRED);
    if ((status = add(house->server, entry, "Set an actuator.", set_actuator, house, err))) return status;
    for (i = 0; i < DEVICES; i++) {
        struct device *device = &house->devices[i];
        char uri[64], name[64];
        address(device, uri);
        if ((status = tenon_resource_new(uri, &entry, err))) return status;
        snprintf(name, sizeof name, "\"%s\"", device->name);
        tenon_entry_set(entry, "name", name, TENON_NUL);
        tenon_entry_set(entry, "mime_type", "\"application/json\"", TENON_NUL);
        if ((status = add(house->server, entry, device->unit, read_device, device, err))) return status;
    }
    return TENON_OK;
}

static int failed(tenon_error *err) {
    fprintf(stderr, "devices: %s\n", tenon_error_message(err));
    tenon_error_free(err);
    return 1;
}

int main(int argc, char **argv) {
    struct greenhouse house = {
        NULL, WARM,
        {{"temperature", "sensors", "\xc2\xb0""C", 0, ""}, {"humidity", "sensors", "%", 0, ""},
         {"light", "sensors", "lx", 0, ""}, {"fan", "actuators", "%", 0, ""}, {"led", "actuators", "on or off", 0, ""}}};
    const struct itimerspec every = {{0, TICK_NANOSECONDS}, {0, TICK_NANOSECONDS}};
    struct epoll_event event = {0};
    tenon_server *server;
    tenon_error *err = NULL;
    const char *url;
    int loop = epoll_create1(EPOLL_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), wake;

    if (loop < 0 || timer < 0) return perror("devices"), 1;
    if (tenon_server_new("devices", "1.0.0", &server, &err) != TENON_OK) return failed(err);
    house.server = server;
    if (add_all(&house, &err) != TENON_OK) return failed(err);
    if (argc > 1 ? tenon_server_listen_http(server, argv[1], &err) : tenon_server_listen_stdio(server, &err))
        return failed(err);
    set(&house, FAN, 0);
    set(&house, LED, 0);
    tick(&house);
    if (tenon_server_start(server, &err) != TENON_OK) return failed(err);
    if (tenon_server_http_url(server, &url, NULL) == TENON_OK) fprintf(stderr, "listening %s\n", url);

    tenon_server_wake_fd(server, &wake);
    timerfd_settime(timer, 0, &every, NULL);
    event.events = EPOLLIN;
    event.data.fd = timer;
    epoll_ctl(loop, EPOLL_CTL_ADD, timer, &event);
    event.data.fd = wake;
    epoll_ctl(loop, EPOLL_CTL_ADD, wake, &event);
    for (;;) {
        uint64_t expired;
        if (epoll_wait(loop, &event, 1, -1) < 1) continue;
        if (event.data.fd == timer) {
            if (read(timer, &expired, sizeof expired) == sizeof expired)
                while (expired-- > 0) tick(&house);
        } else if (tenon_server_poll(server, 0, 0, NULL) != TENON_OK) {
            break; /* TENON_ENDED */
        }
    }
    close(timer);
    close(loop);
    return tenon_server_free(server) == TENON_OK ? 0 : 1;
}
