/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/config.h"

#include <stdlib.h>
#include <string.h>

struct gw_config_string {
    struct gw_config_string *next;
    char text[];
};

const char *gw_config_keep(struct gw_config *config, const char *text, size_t len)
{
    struct gw_config_string *s = malloc(sizeof(*s) + len + 1);
    if (!s)
        return NULL;
    memcpy(s->text, text, len);
    s->text[len] = '\0';
    s->next = config->strings;
    config->strings = s;
    return s->text;
}

unsigned gw_config_worker_fds(const struct gw_config *config)
{
    unsigned listeners = 0;
    for (unsigned i = 0; i < config->service_count; i++)
        listeners += config->services[i]->listen_count;
    return GW_WORKER_FDS + (listeners > GW_WORKER_LISTENERS ? listeners - GW_WORKER_LISTENERS : 0);
}

static void free_service(struct gw_service *service)
{
    free(service->tls.certs);
    free(service->tls.cert_dirs);
    free(service->rules);
    free(service);
}

void gw_config_free(struct gw_config *config)
{
    if (!config)
        return;
    for (unsigned i = 0; i < config->service_count; i++)
        free_service(config->services[i]);
    while (config->strings) {
        struct gw_config_string *s = config->strings;
        config->strings = s->next;
        free(s);
    }
    free(config->settings);
    free(config->places);
    free(config);
}
