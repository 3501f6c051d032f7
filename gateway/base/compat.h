/* SPDX-License-Identifier: Apache-2.0 */
/* The differences between platforms: compiler, libraries, headers, processor. Only this file tests
 * for them; all other code uses the GW_ names, or decides at run time. */
#pragma once

#include <openssl/opensslv.h>

/* gcc defines a macro for it, clang a feature. The sanitizer attaches to the process, and keeps
 * freed memory. */
#if defined(__SANITIZE_ADDRESS__)
#define GW_WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GW_WITH_ASAN 1
#endif
#endif
#ifndef GW_WITH_ASAN
#define GW_WITH_ASAN 0
#endif

#ifdef __x86_64__
#define GW_ON_X86_64 1
#else
#define GW_ON_X86_64 0
#endif

/* Options of OpenSSL 3.2 and later, for a program built with 3.0 that runs with a later version;
 * 3.0 ignores these bits. Spelled as in <openssl/ssl.h>, so that the compiler compares them. */
#define SSL_OP_NO_TX_CERTIFICATE_COMPRESSION SSL_OP_BIT(32)
#define SSL_OP_NO_RX_CERTIFICATE_COMPRESSION SSL_OP_BIT(33)

/* OpenSSL 3.3 and later have a call that accepts times after 2038, and deprecate the earlier
 * one. */
#if OPENSSL_VERSION_MAJOR > 3 || OPENSSL_VERSION_MINOR >= 3
#define GW_SSL_SESSION_SET_TIME SSL_SESSION_set_time_ex
#else
#define GW_SSL_SESSION_SET_TIME SSL_SESSION_set_time
#endif
