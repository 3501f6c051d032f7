/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config/command.h"

#include "gateway/base/attr.h"
#include "gateway/config/spelling.h"

#include <string.h>

#define SERVER_USAGE "--listen ADDR --target ADDR --cert FILE [FLAG ...]"
#define CLIENT_USAGE "--listen ADDR --target ADDR --cacert FILE [...]"

static const struct gw_command_info commands[GW_COMMAND_COUNT] = {
    [GW_COMMAND_SERVER] =
        {
            .word = "server",
            .title = "run the gateway: TLS in, plaintext out",
            .usage = SERVER_USAGE,
            .example = "  ktlsgate server --listen :8443 --target 127.0.0.1:8080 \\\n"
                       "      --cert server.pem --key server.key \\\n"
                       "      --cacert clients-ca.pem --allow-cn client-1\n",
        },
    [GW_COMMAND_CLIENT] =
        {
            .word = "client",
            .title = "run the other end: plaintext in, TLS out",
            .usage = CLIENT_USAGE,
            .example = "  ktlsgate client --listen 127.0.0.1:5432 --target 192.0.2.1:8443 \\\n"
                       "      --cacert servers-ca.pem --target-name db.example.com \\\n"
                       "      --cert client-1.pem --key client-1.key\n",
        },
    [GW_COMMAND_CHECK] =
        {
            .word = "check",
            .title = "check whether `server` would start, ports and pidfile aside",
            .usage = SERVER_USAGE,
            .example = "  ktlsgate check --listen :8443 --target 127.0.0.1:8080 \\\n"
                       "      --cert server.pem --key server.key\n",
        },
    [GW_COMMAND_CHECK_CLIENT] =
        {
            .word = "check client",
            .title = "the same for `client`",
            .usage = CLIENT_USAGE,
            .example = "  ktlsgate check client --listen 127.0.0.1:5432 \\\n"
                       "      --target 192.0.2.1:8443 --cacert servers-ca.pem\n",
        },
    [GW_COMMAND_DEMO] =
        {
            .word = "demo",
            .title = "try it out: a CA, a backend, a gateway and commands to type",
            .usage = "[FLAG ...]",
            .example = "  ktlsgate demo\n",
        },
    [GW_COMMAND_PROBE] =
        {
            .word = "probe",
            .title = "test what this kernel, CPU and libraries support",
            .usage = "[--measure] [--json]",
            .example = "  ktlsgate probe\n",
        },
    [GW_COMMAND_PKI_INIT] =
        {
            .word = "pki init",
            .title = "create a CA in a folder of plain files",
            .usage = "[NAME] [FLAG ...]",
            .example = "  ktlsgate pki init --permit-dns example.com\n",
        },
    [GW_COMMAND_PKI_ISSUE] =
        {
            .word = "pki issue",
            .title = "create the key and certificate of a server or a client",
            .usage = "--server|--client NAME [FLAG ...]",
            .example = "  ktlsgate pki issue --server gate.example.com --ip 192.0.2.1\n",
        },
    [GW_COMMAND_PKI_RENEW] =
        {
            .word = "pki renew",
            .title = "renew a certificate, or all that expire soon",
            .usage = "--within TIME|NAME [FLAG ...]",
            .example = "  ktlsgate pki renew --within 10d\n",
        },
    [GW_COMMAND_PKI_REVOKE] =
        {
            .word = "pki revoke",
            .title = "revoke certificates, and write crl.pem",
            .usage = "NAME|SERIAL [--reason WORD]",
            .example = "  ktlsgate pki revoke alice --reason keyCompromise\n",
        },
    [GW_COMMAND_PKI_CRL] =
        {
            .word = "pki crl",
            .title = "write a new certificate revocation list, crl.pem",
            .usage = "[--next-update TIME]",
            .example = "  ktlsgate pki crl --next-update 7d\n",
        },
    [GW_COMMAND_PKI_LIST] =
        {
            .word = "pki list",
            .title = "list the certificates",
            .usage = "[--all]",
            .example = "  ktlsgate pki list\n",
        },
    [GW_COMMAND_PKI_SHOW] =
        {
            .word = "pki show",
            .title = "show the CA, or one certificate",
            .usage = "[NAME|SERIAL]",
            .example = "  ktlsgate pki show alice\n",
        },
};

const struct gw_command_info *gw_command_info(enum gw_command command)
{
    gw_require(command < GW_COMMAND_COUNT);
    return &commands[command];
}

enum gw_command gw_command_find(const char *word)
{
    unsigned i = 0;
    while (i < GW_COMMAND_COUNT && strcmp(commands[i].word, word) != 0)
        i++;
    return (enum gw_command)i;
}

unsigned gw_command_family(const char *word)
{
    size_t len = strlen(word);
    unsigned family = 0;
    for (unsigned i = 0; i < GW_COMMAND_COUNT; i++)
        if (!strncmp(commands[i].word, word, len) && commands[i].word[len] == ' ')
            family |= 1u << i;
    return family;
}

enum gw_command gw_command_nearest(const char *word)
{
    size_t len = strlen(word);
    for (unsigned i = 0; i < GW_COMMAND_COUNT; i++) {
        int d = gw_spelling_distance(commands[i].word, strlen(commands[i].word), word, len);
        if (gw_spelling_near(d, len))
            return (enum gw_command)i;
    }
    return GW_COMMAND_COUNT;
}
