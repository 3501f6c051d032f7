/* SPDX-License-Identifier: Apache-2.0 */
/* The options about certificates: the gateway's own, its trust, and the rules. */
#include "gateway/config/options_side.h"

static const char *const strict_sni_words[] = {"off", "unknown", "on", NULL};
static const char *const verify_words[] = {"none", "optional", "required", NULL};

/* Each kind of rule: its word, the pattern's name and description in --help, and other programs'
 * names for the allow flag. */
#define RULES(ROW)                                                                                 \
    ROW("cn", CN, "NAME", "this common name", "verify-cn")                                         \
    ROW("ou", OU, "NAME", "this organizational unit", "verify-ou")                                 \
    ROW("dns", DNS, "PATTERN",                                                                     \
        "a DNS name like this; * stands for one label, a leading ** for one or more",              \
        "allow-dns-san verify-dns")                                                                \
    ROW("uri", URI, "PATTERN",                                                                     \
        "a URI like this; * stands for one part between slashes, a trailing ** for any rest",      \
        "allow-uri-san verify-uri")                                                                \
    ROW("ip", IP, "ADDR[/BITS]", "this IP address, or one in this network", "allow-ip-san")        \
    ROW("email", EMAIL, "ADDRESS", "this email address; *@DOMAIN stands for all of a domain",      \
        "allow-email-san")                                                                         \
    ROW("fingerprint", FINGERPRINT, "HEX", "this SHA-256 fingerprint of the certificate",          \
        "verify-fingerprint")                                                                      \
    ROW("spki", SPKI, "HEX", "this SHA-256 hash of the public key; also sha256/BASE64",            \
        "pinnedpubkey verify-hash")
#define RULE(side, group_, commands_, word, kind_, value_, help_, also_, set_)                     \
    {                                                                                              \
        .name = side "-" word,                                                                     \
        .kind = GW_OPTION_PATTERN,                                                                 \
        .group = group_,                                                                           \
        .commands = commands_,                                                                     \
        .repeatable = true,                                                                        \
        .value = value_,                                                                           \
        .help = help_,                                                                             \
        .also = also_,                                                                             \
        .first = GW_RULE_##kind_,                                                                  \
        .set = set_,                                                                               \
    },
#define OF_CLIENTS GW_GROUP_CLIENTS, IN_SERVER
#define OF_TARGET GW_GROUP_TRUST, IN_CLIENT
#define RULE_OF(side, of, word, kind, value, help, also, set)                                      \
    RULE(side, of, word, kind, value, help, also, set)
#define ALLOW(word, kind, value, what, also)                                                       \
    RULE_OF("allow", OF_CLIENTS, word, kind, value, "admit clients with " what, also, gw_set_rule)
#define DENY(word, kind, value, what, also)                                                        \
    RULE_OF("deny", OF_CLIENTS, word, kind, value, "refuse clients with " what, NULL, gw_set_deny)
#define ALLOW_TARGET(word, kind, value, what, also)                                                \
    RULE_OF("allow", OF_TARGET, word, kind, value, "trust only targets with " what, also,          \
            gw_set_rule)
#define DENY_TARGET(word, kind, value, what, also)                                                 \
    RULE_OF("deny", OF_TARGET, word, kind, value, "refuse targets with " what, NULL, gw_set_deny)

const struct gw_option gw_options_trust[] = {
    {
        .name = "target-name",
        .kind = GW_OPTION_STRING,
        .group = GW_GROUP_TRUST,
        .commands = IN_CLIENT,
        .value = "NAME",
        .otherwise = "the host of --target",
        .help = "DNS name or address that the target's certificate must be valid for; a name is "
                "also sent to the target (SNI). none: any name, which requires an --allow rule",
        .also = "checkHost checkIP sni verify-host server-name",
        IN_SERVICE(tls),
        .set = gw_set_target_name,
    },
    TLS_CERT_ROWS("", GW_GROUP_IDENTITY, IN_SERVER, tls, true, NULL,
                  "PEM certificate followed by its intermediates, or PKCS #12; of several, the one "
                  "that fits the requested name (SNI) and the client's key types (ECDSA, RSA) is "
                  "used"),
    {
        .name = "cert-dir",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_IDENTITY,
        .commands = IN_SERVER,
        .repeatable = true,
        .value = "FOLDER",
        .help = "folder of certificates with their keys: NAME.pem with both, NAME.pem or .crt with "
                "NAME.key, NAME.p12 or .pfx, or a subfolder for each as certbot and Kubernetes "
                "create them; names are taken from the certificates",
        .also = "crt-store ssl-cert-dir pem-dir",
        IN_SERVICE(tls),
        .set = gw_set_cert_dir,
    },
    {
        .name = "cert-glob",
        .kind = GW_OPTION_STRING,
        .group = GW_GROUP_IDENTITY,
        .commands = IN_SERVER,
        .value = "PATTERN",
        .otherwise = "*.pem, *.crt, *.cer, *.p12 and *.pfx",
        .help = "names of the files in a --cert-dir that are certificates, such as '*.combined'; a "
                "name that ends in .key or .ocsp never is",
        IN_TLS(cert_glob),
        .set = gw_set_glob,
    },
    TLS_KEY_PASS_ROW("", GW_GROUP_IDENTITY, IN_SERVER, tls),
    {
        .name = "ocsp-file",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_IDENTITY,
        .commands = IN_SERVER,
        .repeatable = true,
        .value = "FILE",
        .otherwise = "the file of the certificate with .ocsp added, if it exists",
        .help = "OCSP response (DER) for the --cert before it, stapled for clients that ask while "
                "it is current",
        .also = "ocsp-response ocsp-dir ssl-stapling-file",
        IN_SERVICE(tls),
        .set = gw_set_ocsp_file,
    },
    {
        .name = "strict-sni",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_IDENTITY,
        .commands = IN_SERVER,
        .initial = "off",
        .alone = "on",
        .help = "refuse clients that request a name without a certificate (unknown), or such a "
                "name or none (on); otherwise they get the first certificate",
        .also = "sni-nomatch-abort ssl-reject-handshake",
        .words = strict_sni_words,
        IN_TLS(strict_sni),
        .set = gw_set_word,
    },
    TLS_CERT_ROWS("", GW_GROUP_SHOWN, IN_CLIENT, tls, false, "none",
                  "certificate to present to a target that asks for one, followed by its "
                  "intermediates: PEM or PKCS #12"),
    TLS_KEY_PASS_ROW("", GW_GROUP_SHOWN, IN_CLIENT, tls),
    TLS_CACERT_ROW(
        "", GW_GROUP_CLIENTS, IN_SERVER, tls,
        "CA certificates to verify client certificates against: a PEM file, or a folder of "
        "*.pem, *.crt and *.cer files",
        "ca-file CAfile CApath client-verify-ca ssl-client-certificate"),
    TLS_CACERT_ROW(
        "", GW_GROUP_TRUST, IN_CLIENT, tls,
        "CA certificates to verify the target's certificate against: a PEM file, or a "
        "folder of *.pem, *.crt and *.cer files; no other CA is trusted; the system's list "
        "is /etc/ssl/certs/ca-certificates.crt",
        "ca-file CAfile CApath ssl-ca-file trusted-ca"),
    TLS_TRUST_ROWS("", GW_GROUP_TRUST, IN_CLIENT, tls, "the target"),
    RULES(ALLOW_TARGET) RULES(DENY_TARGET){
        .name = "ca-names",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_CLIENTS,
        .commands = IN_SERVER,
        .value = "FILE|none",
        .otherwise = "the CAs of --cacert",
        .help = "CA names to send to clients, which choose a certificate by them: the subjects of "
                "the certificates in this PEM file, or none",
        .also = "client-ca-names cafile-names SSLCADNRequestFile",
        IN_TLS(ca_names),
        .set = gw_set_text,
    },
    {
        .name = "verify",
        .kind = GW_OPTION_WORD,
        .group = GW_GROUP_CLIENTS,
        .commands = IN_SERVER,
        .otherwise = "required with --cacert, else none",
        .help = "whether a client must present a certificate",
        .also = "client-verify ssl-verify-client disable-authentication",
        .words = verify_words,
        IN_TLS(verify),
        .set = gw_set_word,
    },
    TLS_TRUST_ROWS("", GW_GROUP_CLIENTS, IN_SERVER, tls, "a client"),
    {
        .name = "allow-all",
        .kind = GW_OPTION_SWITCH,
        .group = GW_GROUP_CLIENTS,
        .commands = IN_SERVER,
        .help = "admit every verified client that no --deny rule matches",
        .first = GW_RULE_ALL,
        .set = gw_set_rule,
    },
    RULES(ALLOW) RULES(DENY)};

const unsigned gw_options_trust_count = GW_ARRAY_SIZE(gw_options_trust);
