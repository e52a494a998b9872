/* A server that looks like llama-server to the image suite, and misbehaves when it is told to.
 * TOY: never-healthy | exits | deaf (to SIGTERM) | hungry (for memory) | slow; anything else behaves. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *mode = "";
static struct timespec born;

static double age(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - born.tv_sec) + (double)(now.tv_nsec - born.tv_nsec) / 1e9;
}

static const char *argument(int count, char **words, const char *name) {
    for (int i = 1; i + 1 < count; i++)
        if (!strcmp(words[i], name)) return words[i + 1];
    return NULL;
}

static int is_asked(int count, char **words, const char *name) {
    for (int i = 1; i < count; i++)
        if (!strcmp(words[i], name)) return 1;
    return 0;
}

static int say(int to, const char *text) {
    return write(to, text, strlen(text)) < 0 ? -1 : 0;
}

static int answer(int to, const char *status, const char *body) {
    char text[1024];
    snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
             status, strlen(body), body);
    return say(to, text);
}

static int number_after(const char *body, const char *key, int otherwise) {
    const char *found = strstr(body, key);
    found = found ? strchr(found, ':') : NULL;
    return found ? atoi(found + 1) : otherwise;
}

static int say_chunk(int to, const char *text) {
    char chunk[640];
    snprintf(chunk, sizeof chunk, "%zx\r\n%s\r\n", strlen(text), text);
    return say(to, chunk);
}

static void complete(int to, const char *body) {
    int tokens = number_after(body, "\"n_predict\"", 1), prompt = 1;
    const char *end = strchr(body, ']');
    for (const char *at = strchr(body, '['); at && end && at < end; at++) prompt += *at == ',';
    if (!strstr(body, "\"stream\": true") && !strstr(body, "\"stream\":true")) {
        answer(to, "200 OK", "{\"content\": \"It is Paris.\"}");
        return;
    }
    if (say(to, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
                "Connection: close\r\n\r\n"))
        return;
    double begun = age();
    for (int i = 0; i < tokens; i++) {
        usleep(strcmp(mode, "slow") ? 500 : 5000);
        if (say_chunk(to, "data: {\"content\": \"x\", \"tokens\": [1], \"stop\": false}\n\n")) return;
    }
    char last[512];
    double took = (age() - begun) * 1000;
    snprintf(last, sizeof last,
             "data: {\"content\": \"\", \"stop\": true, \"timings\": {\"cache_n\": 0, \"prompt_n\": %d, \"prompt_ms\": 1.0, "
             "\"predicted_n\": %d, \"predicted_ms\": %f}}\n\n", prompt, tokens, took);
    say_chunk(to, last);
    say_chunk(to, "");
}

static void *serve(void *given) {
    int client = (int)(long)given;
    static _Thread_local char request[1 << 16];
    size_t have = 0;
    char *body = NULL;
    while (have < sizeof request - 1) {
        ssize_t got = read(client, request + have, sizeof request - 1 - have);
        if (got <= 0) break;
        have += (size_t)got;
        request[have] = 0;
        char *end = strstr(request, "\r\n\r\n");
        if (!end) continue;
        body = end + 4;
        char *length = strstr(request, "Content-Length:");
        if (!length || have - (size_t)(body - request) >= (size_t)atol(length + 15)) break;
    }
    int ready = age() > 0.5 && strcmp(mode, "never-healthy");
    if (!body) {
    } else if (!ready) {
        answer(client, "503 Service Unavailable", "{\"error\": {\"message\": \"Loading model\"}}");
    } else if (!strncmp(request, "GET /health", 11)) {
        answer(client, "200 OK", "{\"status\": \"ok\"}");
    } else if (!strncmp(request, "GET /v1/models", 14)) {
        answer(client, "200 OK", "{\"data\": [{\"meta\": {\"n_vocab\": 1000}}]}");
    } else if (!strncmp(request, "POST /completion", 16)) {
        complete(client, body);
    } else {
        answer(client, "404 Not Found", "{}");
    }
    close(client);
    return NULL;
}

static int connect_to(int port) {
    int to = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(to, (struct sockaddr *)&address, sizeof address) ? -1 : to;
}

static int check_health(void) {
    int port = 0, to;
    FILE *file = fopen("/tmp/port", "r");
    char said[64] = "";
    if (!file || fscanf(file, "%d", &port) != 1 || (to = connect_to(port)) < 0) return 1;
    say(to, "GET /health HTTP/1.1\r\nHost: me\r\n\r\n");
    return read(to, said, sizeof said - 1) > 12 && !strncmp(said + 9, "200", 3) ? 0 : 1;
}

static void end(int number) {
    (void)number;
    _exit(0);
}

int main(int count, char **words) {
    clock_gettime(CLOCK_MONOTONIC, &born);
    if (getenv("TOY")) mode = getenv("TOY");
    if (is_asked(count, words, "--healthcheck")) return check_health();
    if (is_asked(count, words, "--version")) return !printf("toy build 1, commit 012345678\n");
    if (is_asked(count, words, "--help")) return !printf("a toy\n");
    if (is_asked(count, words, "--list-devices"))
        return !printf("load_backend: loaded CPU backend from /app/server\nAvailable devices:\n");

    const char *model = argument(count, words, "--model"), *port_word = argument(count, words, "--port");
    if (!model || access(model, R_OK)) return fprintf(stderr, "cannot read the model\n"), 1;
    if (!strcmp(mode, "exits")) return fprintf(stderr, "tensor 'output.weight' is missing\n"), 3;
    if (!strcmp(mode, "hungry"))
        for (;;) memset(malloc(1 << 20), 1, 1 << 20);

    int port = atoi(port_word ? port_word : getenv("LLAMA_ARG_PORT") ? getenv("LLAMA_ARG_PORT") : "8080");
    signal(SIGPIPE, SIG_IGN);
    if (strcmp(mode, "deaf")) signal(SIGTERM, end);
    int door = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    if (bind(door, (struct sockaddr *)&address, sizeof address) || listen(door, 64)) return perror("bind"), 1;
    FILE *note = fopen("/tmp/port", "w");
    if (note) fprintf(note, "%d\n", port), fclose(note);
    fprintf(stderr, "listening on %d, mode '%s'\n", port, mode);
    for (;;) {
        int client = accept(door, NULL, NULL);
        pthread_t thread;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (client >= 0 && !pthread_create(&thread, NULL, serve, (void *)(long)client)) pthread_detach(thread);
    }
}
