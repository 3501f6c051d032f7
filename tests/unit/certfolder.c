/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/certfolder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

const char *certfolder_in(const struct certfolder *f, const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", f->name, name);
    return path;
}

void certfolder_init(struct certfolder *f, const struct tlsworld *w, const char *name)
{
    *f = (struct certfolder){.w = w, .name = name, .path = test_dir_folder(w->dir, name)};
    f->dirs[0] = f->path;
    tlsworld_side(w, &f->side);
    f->side.cert_count = 0;
    f->side.cert_dirs = f->dirs;
    f->side.cert_dir_count = 1;
    (void)test_dir_bundle(w->dir, certfolder_in(f, "other.pem"), w->other, w->ca);
}

/* Whether the side shows this certificate for the name. */
bool certfolder_shows(const struct tlsworld *w, struct gw_tls_context *tls, const char *name,
                      const struct test_cert *cert)
{
    SSL_CTX *ctx = tlspair_client_ctx(w, 0);
    struct tlspair p;
    char sent[64];
    (void)snprintf(sent, sizeof(sent), "%s", name);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_NO_CHECK_TIME);
    tlspair_init(&p, tls, ctx, NULL);
    assert_true(SSL_set_tlsext_host_name(p.client, sent));
    tlspair_succeed(&p);
    bool same = X509_cmp(SSL_get0_peer_certificate(p.client), cert->x509) == 0;
    tlspair_done(&p);
    SSL_CTX_free(ctx);
    return same;
}

/* What is said of it, a line each. */
static const char *said(struct gw_files *files)
{
    static char text[4096];
    const struct gw_notes *notes = gw_files_notes(files);
    text[0] = '\0';
    for (unsigned i = 0; i < notes->count; i++) {
        strncat(text, notes->all[i], sizeof(text) - strlen(text) - 1);
        strncat(text, "\n", sizeof(text) - strlen(text) - 1);
    }
    return text;
}

void certfolder_says(struct gw_files *files, const char *words)
{
    if (!strstr(said(files), words))
        fail_msg("'%s' is not in '%s'", words, said(files));
}

struct gw_tls_context *certfolder_load(const struct gw_tls_side *side, struct gw_files *files)
{
    struct gw_tls_context *tls = NULL;
    struct gw_error err = {.text = ""};
    if (gw_tls_context_new(&tls, side, NULL, files, &err))
        fail_msg("%s", err.text);
    return tls;
}

void certfolder_refuses(const struct gw_tls_side *side, struct gw_files *files, const char *words)
{
    struct gw_tls_context *tls = NULL;
    struct gw_error err = {.text = ""};
    if (gw_tls_context_new(&tls, side, NULL, files, &err) == 0)
        fail_msg("accepted, but '%s' was expected", words);
    if (!strstr(err.text, words))
        fail_msg("'%s' does not say '%s'", err.text, words);
}
