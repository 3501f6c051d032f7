/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libktlsinstall: from the secrets of a finished TLS handshake to record protection in the kernel.
 *
 * It derives record keys (RFC 8446 7.1-7.3, RFC 5246 6.3), installs them into a TCP socket
 * (Documentation/networking/tls.rst, net/tls/tls_main.c) and finds by trial what this kernel
 * supports. It does no TLS handshake, holds no global state, allocates nothing that outlives a
 * call, logs nothing, and is safe to call from any thread on different objects.
 *
 * Conventions: functions return 0 or a negative errno. Byte strings are in network order, integers
 * in host order. ret_ arguments are unchanged on failure unless said otherwise. Objects whose type
 * ends in _secret or _keys hold key material: wipe them with ktls_wipe() on every way out.
 *
 * Usage: call ktls_attach() right after accept() or connect(); finish the handshake over the
 * socket; send all handshake bytes; call ktls_derive_…(); call ktls_install(KTLS_RX) at a record
 * boundary of the incoming stream; call ktls_install(KTLS_TX) when nothing sealed in userspace is
 * left to send.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ktls_version {
    KTLS_TLS_1_2 = 0x0303,
    KTLS_TLS_1_3 = 0x0304,
};

enum ktls_cipher {
    KTLS_AES_128_GCM,
    KTLS_AES_256_GCM,
    KTLS_CHACHA20_POLY1305,
    KTLS_CIPHER_COUNT
};

enum ktls_hash {
    KTLS_SHA256,
    KTLS_SHA384,
};

enum ktls_direction {
    KTLS_TX = 1, /* values of the socket options TLS_TX and TLS_RX */
    KTLS_RX = 2,
};

enum {
    KTLS_KEY_MAX = 32,
    KTLS_IV_LEN = 12,  /* the nonce length of every suite here */
    KTLS_TAG_LEN = 16, /* the tag length of every suite here */
    KTLS_HASH_MAX = 48,
    KTLS_MASTER_LEN = 48,
    KTLS_RANDOM_LEN = 32,
};

/* One row of the suite table: a cipher suite that both OpenSSL and the kernel can run. */
struct ktls_suite {
    const char *name; /* IANA name */
    enum ktls_version version;
    enum ktls_cipher cipher;
    enum ktls_hash hash; /* for HKDF (1.3) or the PRF (1.2) */
    uint16_t id;         /* IANA TLS cipher suite number, such as 0x1301 */
    uint8_t key_len;     /* 16 or 32 */
    /* Bytes of the nonce in each record: 8 for TLS 1.2 AES-GCM (RFC 5288 3), else 0. */
    uint8_t explicit_nonce_len;
};

/* The row of a suite number. NULL when this library does not support it. */
const struct ktls_suite *ktls_suite_find(uint16_t id);
/* The row of an index from 0. NULL after the last. */
const struct ktls_suite *ktls_suite_at(size_t index);
const char *ktls_cipher_name(enum ktls_cipher cipher); /* such as "AES-128-GCM" */

/* The keys of one direction. */
struct ktls_keys {
    const struct ktls_suite *suite;
    uint8_t key[KTLS_KEY_MAX];     /* suite->key_len bytes are used */
    uint8_t iv[KTLS_IV_LEN];       /* TLS 1.2 AES-GCM: the 4 implicit bytes, then zeroes */
    uint8_t secret[KTLS_HASH_MAX]; /* TLS 1.3 traffic secret, for updates; zero in TLS 1.2 */
    uint64_t seq;                  /* the next record's sequence number */
    uint64_t explicit_nonce;       /* TLS 1.2 AES-GCM, TX: the next record's */
};

/* Length of the hash in bytes: 32 or 48. */
size_t ktls_hash_len(enum ktls_hash hash);

/*
 * TLS 1.3: derives the keys of one direction from its application traffic secret (RFC 8446 7.3),
 * with seq 0. `secret_len` must be the length of the suite's hash. Returns 0; -EINVAL (not a TLS
 * 1.3 suite, or wrong length).
 */
int ktls_derive_tls13(const struct ktls_suite *suite, const uint8_t *secret, size_t secret_len,
                      struct ktls_keys *ret_keys);

/*
 * TLS 1.2: derives the keys of both directions from the master secret (RFC 5246 6.3; extended or
 * not), with seq 1, as after Finished. The caller sets explicit_nonce of its TX direction. Returns
 * 0; -EINVAL (not a TLS 1.2 suite).
 */
int ktls_derive_tls12(const struct ktls_suite *suite, const uint8_t master[KTLS_MASTER_LEN],
                      const uint8_t client_random[KTLS_RANDOM_LEN],
                      const uint8_t server_random[KTLS_RANDOM_LEN],
                      struct ktls_keys *ret_client_write, struct ktls_keys *ret_server_write);

/*
 * Updates a TLS 1.3 key in place (RFC 8446 7.2): next traffic secret, key and IV, seq 0. Returns 0;
 * -EINVAL (TLS 1.2).
 */
int ktls_update(struct ktls_keys *keys);

/* HKDF-Expand-Label (RFC 8446 7.1) with an empty or given context, exported for handshakes and
 * tests. out_len is at most 255 × hash length. Returns 0 or -EINVAL. */
int ktls_hkdf_expand_label(enum ktls_hash hash, const uint8_t *secret, size_t secret_len,
                           const char *label, const uint8_t *context, size_t context_len,
                           uint8_t *out, size_t out_len);

/*
 * Attaches the "tls" ULP (tcp_ulp.c). It stays for the socket's life and changes nothing until keys
 * are installed, except that MSG_ZEROCOPY stops working. Returns 0 (also when it is already
 * attached); -ENOENT (no tls module, or it is not loaded); -ENOTCONN (not ESTABLISHED, or the peer
 * already sent FIN); -EEXIST (another ULP is attached); other errors of setsockopt(2).
 */
int ktls_attach(int fd);

/*
 * Installs the keys of one direction in the kernel. From then on the kernel opens (KTLS_RX) or
 * seals (KTLS_TX) every record of that direction, beginning with keys->seq. For KTLS_RX the next
 * unread byte of the socket must be the first of a record header. The keys are copied; this library
 * wipes its internal copy.
 *
 * A second call changes the keys, if ktls_probe() reports rekey: TLS 1.3 only, with the same suite
 * and keys from ktls_update(). KTLS_RX: call it after the peer's KeyUpdate was read. Until then
 * reads fail with EKEYEXPIRED and poll(2) reports nothing, so read immediately after the call.
 * KTLS_TX: call it after ktls_send_control() accepted our KeyUpdate and before anything else is
 * sent. The directions do not wait for each other. Returns 0; -ENOPROTOOPT or -ENOENT (no ULP, or
 * the kernel lacks the cipher); -EBUSY (the direction has keys and this kernel cannot change them);
 * -EINVAL (the suite cannot be used).
 */
int ktls_install(int fd, enum ktls_direction direction, const struct ktls_keys *keys);

/*
 * For TLS 1.3, after KTLS_RX: the kernel opens records directly in the reader's buffer, on the
 * assumption that they are unpadded data. Otherwise it must open them elsewhere and copy, since
 * only an opened record shows whether it is data. A record that is not costs a second opening. Use
 * it only if ktls_probe() reports no_pad: other kernels corrupt data. Returns 0; -EINVAL (TLS 1.2,
 * no keys, or the kernel lacks it); other errors of setsockopt(2).
 */
int ktls_expect_unpadded(int fd);

/*
 * Sends one record of the given content type (21 alert, 22 handshake), without blocking, on a
 * socket whose TX the kernel runs. Returns 0; -EAGAIN; -EINVAL (empty); -EMSGSIZE (over 2^14
 * bytes); other errors of sendmsg(2).
 */
int ktls_send_control(int fd, uint8_t content_type, const void *data, size_t len);

void ktls_wipe(void *object, size_t len);

/* ------------------------------------------------------------------------------------------- */

/* The result of one trial. */
struct ktls_trial {
    bool works;
    int error; /* the errno of the failure; 0 when it works or was not tried */
};

/* The features of this kernel, found by trial over loopback sockets. */
struct ktls_probe {
    struct ktls_trial attach; /* ENOENT: no tls ULP; nothing below was tried then */
    /* [0] TLS 1.2, [1] TLS 1.3. rx: sealed by this library and opened by the kernel; tx: sealed by
     * the kernel and opened by this library; both compared byte by byte. */
    struct ktls_trial tx[2][KTLS_CIPHER_COUNT];
    struct ktls_trial rx[2][KTLS_CIPHER_COUNT];
    struct ktls_trial rekey;  /* a second TLS_TX and TLS_RX of a TLS 1.3 socket */
    struct ktls_trial no_pad; /* TLS_RX_EXPECT_NO_PAD, with a padded record intact */
    struct ktls_trial splice; /* TLS RX to a pipe, byte by byte */
    /* the same when the pipe has too little room (6.12.107 loses bytes) */
    struct ktls_trial splice_full;
    /* a pipe to TLS TX, byte by byte; records end with the pipe's content */
    struct ktls_trial splice_tx;
    bool splice_empty_is_eof;  /* an empty record makes splice(2) return 0 */
    bool polls_partial_record; /* poll(2) reports readable for half a record (6.1) */
    char aes_gcm_driver[64]; /* the gcm(aes) of highest priority in /proc/crypto; "" when unknown */
};

/*
 * Fills *ret_probe by trial. Takes some milliseconds (more if the kernel loads and tests ciphers
 * that were not in use) and only loopback sockets. Returns 0 even if the kernel supports nothing.
 * Returns a negative errno when no trial could run (no loopback, no memory).
 */
int ktls_probe(struct ktls_probe *ret_probe);

#ifdef __cplusplus
}
#endif
