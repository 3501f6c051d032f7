/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files. Input: the text. What is taken holds together; what is refused is refused in
 * a sentence that names the file and is fit for a terminal; and neither leaves anything behind in
 * libconfuse, whose scanner is one for the whole process: a good file is read after each. Host
 * names are not looked up.
 */
#include "gateway/base/attr.h"
#include "gateway/config/parse.h"
#include "tests/fuzz/target.h"

#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* Stands before the resolver (-Wl,--wrap). */
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **res);
int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **res);

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **res)
{
    struct addrinfo numeric = *hints;
    numeric.ai_flags |= AI_NUMERICHOST;
    return __real_getaddrinfo(node, service, &numeric, res);
}

static int write_file(const void *data, size_t size, char path[static 32])
{
    int fd = memfd_create("config", MFD_CLOEXEC);
    gw_require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    (void)snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

static void check_taken(const struct gw_config *c)
{
    gw_require(c->service_count >= 1 && c->service_count <= GW_MAX_SERVICES);
    for (unsigned i = 0; i < c->service_count; i++) {
        const struct gw_service *s = c->services[i];
        gw_require(s->name && *s->name && strlen(s->name) < GW_SERVICE_NAME_SIZE);
        for (unsigned k = 0; k < i; k++)
            gw_require(strcmp(c->services[k]->name, s->name) != 0);
        gw_require(s->listen_count >= 1 && s->listen_count <= GW_MAX_ADDRESSES);
        gw_require(s->target.addr_count >= 1 && s->target.text);
        gw_require(s->role == GW_ROLE_CLIENT || (s->tls.cert_count >= 1 && s->rule_count >= 1));
        gw_require(s->role == GW_ROLE_SERVER || (s->tls.peer_name && s->tls.cacerts[0]));
        gw_require(s->tls.tls_min >= 0x0303 && s->tls.tls_min <= s->tls.tls_max);
    }
}

static void check_refused(const struct gw_error *err, const char *path)
{
    gw_require(strncmp(err->text, path, strlen(path)) == 0 && err->text[strlen(path)] == ':');
    for (const char *at = err->text; *at; at++)
        gw_require((unsigned char)*at >= 0x20 && *at != 0x7f);
}

static void parse(const void *data, size_t size, bool good)
{
    char path[32];
    int fd = write_file(data, size, path);
    char flag[] = "--config";
    char *argv[] = {flag, path};
    struct gw_config *config = NULL;
    struct gw_error err = {.text = ""};
    int result = gw_config_parse(&config, "check", 2, argv, &err);
    gw_require((result == 0) == (config != NULL));
    gw_require(!good || config);
    if (config)
        check_taken(config);
    else
        check_refused(&err, path);
    gw_config_free(config);
    (void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char good[] = "service a { listen = 127.0.0.1:0 target = unix:/b cert = 'c' }\n";
    parse(data, size, false);
    parse(good, sizeof(good) - 1, true);
    return 0;
}
