/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls/fips.h"

#include "gateway/base/attr.h"
#include "gateway/tls/library.h"

#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

static bool kernel_asks(const char *path)
{
    FILE *file = fopen(path, "re");
    bool asks = file && fgetc(file) == '1';
    if (file)
        (void)fclose(file);
    return asks;
}

/* Whether a list such as "provider=default,fips=yes" demands it (property(7)); "?fips=yes" only
 * prefers it. */
static bool properties_ask(const char *list)
{
    while (*list) {
        size_t len = strcspn(list, ",");
        while (len && *list == ' ') {
            list++;
            len--;
        }
        size_t used = len;
        while (used && list[used - 1] == ' ')
            used--;
        if ((used == 4 && !strncmp(list, "fips", 4)) ||
            (used == 8 && !strncmp(list, "fips=yes", 8)))
            return true;
        list += len;
        list += *list == ',';
    }
    return false;
}

static bool word_asks(const char *word)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    for (size_t i = 0; i < GW_ARRAY_SIZE(yes); i++)
        if (!OPENSSL_strcasecmp(word, yes[i]))
            return true;
    return false;
}

static bool section_asks(const CONF *conf)
{
    const char *modules = NCONF_get_string(conf, NULL, "openssl_conf");
    const char *section = modules ? NCONF_get_string(conf, modules, "alg_section") : NULL;
    const char *properties = section ? NCONF_get_string(conf, section, "default_properties") : NULL;
    const char *mode = section ? NCONF_get_string(conf, section, "fips_mode") : NULL;
    return (properties && properties_ask(properties)) || (mode && word_asks(mode));
}

/* Reads the configuration without applying it: nothing else in it concerns the gateway. */
static bool configuration_asks(void)
{
    long line = 0;
    char *path = gw_tls_library_begin() ? CONF_get1_default_config_file() : NULL;
    CONF *conf = path ? NCONF_new(NULL) : NULL;
    bool asks = conf && NCONF_load(conf, path, &line) > 0 && section_asks(conf);
    NCONF_free(conf);
    OPENSSL_free(path);
    ERR_clear_error();
    return asks;
}

const char *gw_fips_asked_by(const char *kernel_file)
{
    if (kernel_asks(kernel_file))
        return "the kernel (" GW_FIPS_KERNEL_FILE ")";
    return configuration_asks() ? "OpenSSL's configuration file" : NULL;
}
