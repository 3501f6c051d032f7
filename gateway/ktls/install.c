/* SPDX-License-Identifier: Apache-2.0 */
#include "ktlsinstall.h"

#include "gateway/base/bytes.h"

#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

static const char ulp_name[] = "tls";

/* Every crypto info starts the same way and contains iv, key, salt and rec_seq. */
union crypto_info {
    struct tls_crypto_info info;
    struct tls12_crypto_info_aes_gcm_128 aes_gcm_128;
    struct tls12_crypto_info_aes_gcm_256 aes_gcm_256;
    struct tls12_crypto_info_chacha20_poly1305 chacha20_poly1305;
    uint8_t bytes[sizeof(struct tls12_crypto_info_chacha20_poly1305)];
};

struct field {
    size_t offset;
    size_t len;
};

/* The kernel's layout of one cipher's keys. Salt and IV together are the nonce: first the salt,
 * then the IV. */
struct layout {
    uint16_t cipher_type;
    socklen_t size; /* setsockopt(2) accepts exactly this size */
    struct field key, salt, iv, seq;
};

#define FIELD(type, name)                                                                          \
    {                                                                                              \
        offsetof(struct type, name), sizeof(((struct type *)0)->name)                              \
    }
#define LAYOUT(number, type)                                                                       \
    {                                                                                              \
        .cipher_type = (number), .size = sizeof(struct type), .key = FIELD(type, key),             \
        .salt = FIELD(type, salt), .iv = FIELD(type, iv), .seq = FIELD(type, rec_seq),             \
    }

static const struct layout layouts[KTLS_CIPHER_COUNT] = {
    [KTLS_AES_128_GCM] = LAYOUT(TLS_CIPHER_AES_GCM_128, tls12_crypto_info_aes_gcm_128),
    [KTLS_AES_256_GCM] = LAYOUT(TLS_CIPHER_AES_GCM_256, tls12_crypto_info_aes_gcm_256),
    [KTLS_CHACHA20_POLY1305] =
        LAYOUT(TLS_CIPHER_CHACHA20_POLY1305, tls12_crypto_info_chacha20_poly1305),
};

#define CHECK_LAYOUT(type, key_len)                                                                \
    _Static_assert(sizeof(((struct type *)0)->key) == (key_len), #type " key");                    \
    _Static_assert(sizeof(((struct type *)0)->salt) + sizeof(((struct type *)0)->iv) ==            \
                       KTLS_IV_LEN,                                                                \
                   #type " nonce");                                                                \
    _Static_assert(sizeof(((struct type *)0)->rec_seq) == 8, #type " sequence number");            \
    _Static_assert(sizeof(struct type) <= sizeof(union crypto_info), #type " size")

CHECK_LAYOUT(tls12_crypto_info_aes_gcm_128, 16);
CHECK_LAYOUT(tls12_crypto_info_aes_gcm_256, 32);
CHECK_LAYOUT(tls12_crypto_info_chacha20_poly1305, 32);
_Static_assert(KTLS_TX == TLS_TX && KTLS_RX == TLS_RX, "directions are the kernel's options");
_Static_assert((int)KTLS_TLS_1_2 == TLS_1_2_VERSION && (int)KTLS_TLS_1_3 == TLS_1_3_VERSION,
               "versions are the kernel's numbers");

/* Another ULP on the socket (mptcp, smc) also causes EEXIST. */
static int check_attached(int fd)
{
    char name[16] = "";
    socklen_t len = sizeof(name);
    if (getsockopt(fd, IPPROTO_TCP, TCP_ULP, name, &len))
        return -errno;
    return strncmp(name, ulp_name, sizeof(name)) ? -EEXIST : 0;
}

/* The socket must still be ESTABLISHED: kernel-notes/attach-needs-established.md. */
int ktls_attach(int fd)
{
    if (!setsockopt(fd, IPPROTO_TCP, TCP_ULP, ulp_name, sizeof(ulp_name)))
        return 0;
    return errno == EEXIST ? check_attached(fd) : -errno;
}

static void put_be64(uint8_t *out, uint64_t v)
{
    struct gw_writer w = gw_writer_of(out, 8);
    gw_write_be(&w, v, 8);
}

static void fill(union crypto_info *crypto, const struct layout *layout,
                 const struct ktls_keys *keys)
{
    uint8_t *out = crypto->bytes;
    crypto->info.version = (uint16_t)keys->suite->version;
    crypto->info.cipher_type = layout->cipher_type;
    memcpy(out + layout->key.offset, keys->key, layout->key.len);
    memcpy(out + layout->salt.offset, keys->iv, layout->salt.len);
    /* With TLS 1.2 AES-GCM the kernel counts up from this IV, not from the sequence number, and
     * sends it on the wire: kernel-notes/tls12-gcm-explicit-nonce.md. */
    if (keys->suite->explicit_nonce_len)
        put_be64(out + layout->iv.offset, keys->explicit_nonce);
    else
        memcpy(out + layout->iv.offset, keys->iv + layout->salt.len, layout->iv.len);
    put_be64(out + layout->seq.offset, keys->seq);
}

int ktls_install(int fd, enum ktls_direction direction, const struct ktls_keys *keys)
{
    if (!keys->suite || (unsigned)keys->suite->cipher >= KTLS_CIPHER_COUNT ||
        (direction != KTLS_TX && direction != KTLS_RX))
        return -EINVAL;

    const struct layout *layout = &layouts[keys->suite->cipher];
    union crypto_info crypto;
    memset(&crypto, 0, sizeof(crypto));
    fill(&crypto, layout, keys);
    int r = setsockopt(fd, SOL_TLS, (int)direction, &crypto, layout->size) ? -errno : 0;
    ktls_wipe(&crypto, sizeof(crypto));
    return r;
}

int ktls_expect_unpadded(int fd)
{
    const int on = 1;
    return setsockopt(fd, SOL_TLS, TLS_RX_EXPECT_NO_PAD, &on, sizeof(on)) ? -errno : 0;
}

int ktls_send_control(int fd, uint8_t content_type, const void *data, size_t len)
{
    /* An empty send sends nothing, and a record holds at most 2^14 bytes. */
    if (!len)
        return -EINVAL;
    if (len > 16384)
        return -EMSGSIZE;

    union {
        struct cmsghdr header;
        uint8_t room[CMSG_SPACE(sizeof(content_type))];
    } control = {0};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = CMSG_LEN(sizeof(content_type)),
    };
    control.header.cmsg_level = SOL_TLS;
    control.header.cmsg_type = TLS_SET_RECORD_TYPE;
    control.header.cmsg_len = CMSG_LEN(sizeof(content_type));
    *CMSG_DATA(&control.header) = content_type;

    ssize_t n = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0)
        return -errno;
    return (size_t)n == len ? 0 : -EIO;
}
