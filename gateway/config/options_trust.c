/* SPDX-License-Identifier: Apache-2.0 */
/* The options about certificates: the gateway's own, its trust, and the rules. */
#include "gateway/config/options_private.h"
#include "gateway/config/set.h"

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
        IN_TLS(peer_name),
        .set = gw_set_target_name,
    },
    {
        .name = "cert",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_IDENTITY,
        .commands = IN_SERVER,
        .repeatable = true,
        .value = "FILE",
        .help = "PEM certificate followed by its intermediates, or PKCS #12; of several, the one "
                "that fits the requested name (SNI) and the client's key types (ECDSA, RSA) is "
                "used",
        .also = "crt pem-file certificate ssl-certificate",
        .set = gw_set_cert,
    },
    {
        .name = "key",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_IDENTITY,
        .commands = IN_SERVER,
        .repeatable = true,
        .value = "FILE",
        .help = "PEM private key of the --cert; not needed if the --cert file contains it",
        .also = "ssl-certificate-key",
        .set = gw_set_key,
    },
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
    {
        .name = "key-pass-file",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_IDENTITY,
        .commands = IN_SERVER,
        .value = "FILE",
        .help = "file with the pass phrase of encrypted keys in its first line",
        .also = "key-password-file password-file ssl-password-file pem-passphrase",
        IN_TLS(key_pass_file),
        .set = gw_set_text,
    },
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
    {
        .name = "cert",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_SHOWN,
        .commands = IN_CLIENT,
        .value = "FILE",
        .otherwise = "none",
        .help = "certificate to present to a target that asks for one, followed by its "
                "intermediates: PEM or PKCS #12",
        .also = "crt pem-file certificate ssl-certificate",
        .set = gw_set_cert,
    },
    {
        .name = "key",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_SHOWN,
        .commands = IN_CLIENT,
        .value = "FILE",
        .help = "PEM private key of the --cert; not needed if the --cert file contains it",
        .also = "ssl-certificate-key",
        .set = gw_set_key,
    },
    {
        .name = "key-pass-file",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_SHOWN,
        .commands = IN_CLIENT,
        .value = "FILE",
        .help = "file with the pass phrase of encrypted keys in its first line",
        .also = "key-password-file password-file ssl-password-file pem-passphrase",
        IN_TLS(key_pass_file),
        .set = gw_set_text,
    },
    {
        .name = "cacert",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_CLIENTS,
        .commands = IN_SERVER,
        .repeatable = true,
        .value = "PATH",
        .help = "CA certificates to verify client certificates against: a PEM file, or a folder of "
                "*.pem, *.crt and *.cer files",
        .also = "ca-file CAfile CApath client-verify-ca ssl-client-certificate",
        IN_TLS(cacerts),
        .set = gw_set_path,
    },
    {
        .name = "cacert",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_TRUST,
        .commands = IN_CLIENT,
        .repeatable = true,
        .value = "PATH",
        .help = "CA certificates to verify the target's certificate against: a PEM file, or a "
                "folder of *.pem, *.crt and *.cer files; no other CA is trusted; the system's list "
                "is /etc/ssl/certs/ca-certificates.crt",
        .also = "ca-file CAfile CApath ssl-ca-file trusted-ca",
        IN_TLS(cacerts),
        .set = gw_set_path,
    },
    {
        .name = "crl",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_TRUST,
        .commands = IN_CLIENT,
        .repeatable = true,
        .value = "PATH",
        .help = "certificate revocation lists: a file in PEM or DER, or a folder of *.crl, *.pem "
                "and *.der files; each CA in a chain must then have a current one",
        .also = "crl-file CRLfile CRLpath ssl-crl",
        IN_TLS(crls),
        .set = gw_set_path,
    },
    {
        .name = "crl-soft",
        .kind = GW_OPTION_SWITCH,
        .group = GW_GROUP_TRUST,
        .commands = IN_CLIENT,
        .help = "accept certificates of a CA without a current CRL; revoked ones are still refused",
        IN_TLS(crl_soft),
        .set = gw_set_switch,
    },
    {
        .name = "verify-depth",
        .kind = GW_OPTION_NUMBER,
        .group = GW_GROUP_TRUST,
        .commands = IN_CLIENT,
        .value = "N",
        .initial = "10",
        .help = "maximum number of intermediates between the target's certificate and the CA's",
        .also = "verifyDepth ssl-verify-depth",
        .max = GW_VERIFY_DEPTH_MAX,
        IN_TLS(verify_depth),
        .set = gw_set_count,
    },
    {
        .name = "max-cert-chain",
        .kind = GW_OPTION_SIZE,
        .group = GW_GROUP_TRUST,
        .commands = IN_CLIENT,
        .value = "SIZE",
        .initial = "24k",
        .help = "maximum size of the certificates that the target sends, intermediates included",
        .also = "max-cert-list",
        .min = 1 << 10,
        .max = GW_CERT_CHAIN_BYTES_MAX,
        IN_TLS(max_cert_chain),
        .set = gw_set_size,
    },
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
    {
        .name = "crl",
        .kind = GW_OPTION_FILE,
        .group = GW_GROUP_CLIENTS,
        .commands = IN_SERVER,
        .repeatable = true,
        .value = "PATH",
        .help = "certificate revocation lists: a file in PEM or DER, or a folder of *.crl, *.pem "
                "and *.der files; each CA in a chain must then have a current one",
        .also = "crl-file CRLfile CRLpath ssl-crl",
        IN_TLS(crls),
        .set = gw_set_path,
    },
    {
        .name = "crl-soft",
        .kind = GW_OPTION_SWITCH,
        .group = GW_GROUP_CLIENTS,
        .commands = IN_SERVER,
        .help = "accept certificates of a CA without a current CRL; revoked ones are still refused",
        IN_TLS(crl_soft),
        .set = gw_set_switch,
    },
    {
        .name = "verify-depth",
        .kind = GW_OPTION_NUMBER,
        .group = GW_GROUP_CLIENTS,
        .commands = IN_SERVER,
        .value = "N",
        .initial = "10",
        .help = "maximum number of intermediates between a client's certificate and the CA's",
        .also = "verifyDepth ssl-verify-depth",
        .max = GW_VERIFY_DEPTH_MAX,
        IN_TLS(verify_depth),
        .set = gw_set_count,
    },
    {
        .name = "max-cert-chain",
        .kind = GW_OPTION_SIZE,
        .group = GW_GROUP_CLIENTS,
        .commands = IN_SERVER,
        .value = "SIZE",
        .initial = "24k",
        .help = "maximum size of the certificates that a client sends, intermediates included",
        .also = "max-cert-list",
        .min = 1 << 10,
        .max = GW_CERT_CHAIN_BYTES_MAX,
        IN_TLS(max_cert_chain),
        .set = gw_set_size,
    },
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
