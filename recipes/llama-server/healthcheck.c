/* Asks llama-server whether it is healthy, at the address it really listens on.
 *
 * The address is decided as llama-server decides it: the environment (LLAMA_ARG_HOST, LLAMA_ARG_PORT,
 * LLAMA_ARG_API_PREFIX), then the command line of process 1 (--host, --port, --api-prefix), which wins. So the check
 * follows `docker run -e LLAMA_ARG_PORT=9000` as well as `docker run IMAGE --port 9000`.
 *
 * Exit 0: it answered 200. Exit 1: anything else; the reason is printed, and `docker inspect` shows it.
 * With TLS configured (--ssl-key-file) only the connection is checked: this program speaks no TLS.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { TIMEOUT_SECONDS = 2, COMMAND_LINE_MAX = 1 << 16 };

struct address {
    const char *host, *port, *prefix;
    int tls;
};

static const char *or_default(const char *value, const char *fallback) {
    return value && *value ? value : fallback;
}

/* The value of `name` if `word` is `name` (value in the next word) or `name=value`; else NULL. */
static const char *option(const char *name, const char *word, const char *next) {
    size_t length = strlen(name);
    if (strcmp(word, name) == 0) return next;
    if (strncmp(word, name, length) == 0 && word[length] == '=') return word + length + 1;
    return NULL;
}

static void read_command_line(struct address *at) {
    static char line[COMMAND_LINE_MAX];
    FILE *file = fopen("/proc/1/cmdline", "r");
    if (!file) return;
    size_t size = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[size] = '\0';
    for (const char *word = line; word < line + size; word += strlen(word) + 1) {
        const char *next = word + strlen(word) + 1 < line + size ? word + strlen(word) + 1 : NULL;
        const char *value;
        if ((value = option("--port", word, next))) at->port = value;
        if ((value = option("--host", word, next))) at->host = value;
        if ((value = option("--api-prefix", word, next))) at->prefix = value;
        if ((value = option("--ssl-key-file", word, next))) at->tls = 1;
    }
}

/* The wildcard address is for listening; one talks to the loopback. */
static const char *reachable(const char *host) {
    if (strcmp(host, "0.0.0.0") == 0) return "127.0.0.1";
    if (strcmp(host, "::") == 0) return "::1";
    return host;
}

static int connect_unix(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) return -1;
    strcpy(address.sun_path, path);
    int connection = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connection >= 0 && connect(connection, (struct sockaddr *)&address, sizeof address) == 0) return connection;
    if (connection >= 0) close(connection);
    return -1;
}

static int connect_tcp(const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) != 0) return -1;
    int connection = -1;
    for (struct addrinfo *one = found; one && connection < 0; one = one->ai_next) {
        struct timeval timeout = {.tv_sec = TIMEOUT_SECONDS};
        connection = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
        if (connection < 0) continue;
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
        if (connect(connection, one->ai_addr, one->ai_addrlen) != 0) {
            close(connection);
            connection = -1;
        }
    }
    freeaddrinfo(found);
    return connection;
}

int main(void) {
    struct address at = {
        .host = or_default(getenv("LLAMA_ARG_HOST"), "127.0.0.1"),
        .port = or_default(getenv("LLAMA_ARG_PORT"), "8080"),
        .prefix = or_default(getenv("LLAMA_ARG_API_PREFIX"), ""),
        .tls = getenv("LLAMA_ARG_SSL_KEY_FILE") != NULL,
    };
    read_command_line(&at);

    size_t length = strlen(at.host);
    int is_socket = length > 5 && strcmp(at.host + length - 5, ".sock") == 0;
    int connection = is_socket ? connect_unix(at.host) : connect_tcp(reachable(at.host), at.port);
    if (connection < 0) {
        printf("nothing answers at %s port %s: %s\n", at.host, at.port, strerror(errno));
        return 1;
    }
    if (at.tls) {
        printf("port %s is open (TLS: not asked further)\n", at.port);
        return 0;
    }
    char text[1024];
    int size = snprintf(text, sizeof text, "GET %s/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", at.prefix);
    if (size < 0 || (size_t)size >= sizeof text || write(connection, text, (size_t)size) != size) {
        printf("port %s: cannot ask\n", at.port);
        return 1;
    }
    size_t have = 0;
    ssize_t got;
    while (have < sizeof text - 1 && (got = read(connection, text + have, sizeof text - 1 - have)) > 0) have += (size_t)got;
    text[have] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    printf("port %s: %s\n", at.port, have ? text : "no answer");
    return strncmp(text, "HTTP/1.1 200", 12) == 0 || strncmp(text, "HTTP/1.0 200", 12) == 0 ? 0 : 1;
}
