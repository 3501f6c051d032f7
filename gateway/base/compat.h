/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between the places where this is built: compiler, libraries, headers, processor.
 * Only this file asks for any of it; all other code uses the GW_ names, or finds out at run time.
 */
#pragma once

#include <openssl/opensslv.h>

/* gcc has a macro for it, clang a feature. That sanitizer attaches to the process, and keeps memory
 * that was freed. */
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

/* Options of OpenSSL 3.2 and later, for a program that was built with 3.0 and runs with those; 3.0
 * does not look at these bits. In the words of <openssl/ssl.h>: the compiler compares them. */
#define SSL_OP_NO_TX_CERTIFICATE_COMPRESSION SSL_OP_BIT(32)
#define SSL_OP_NO_RX_CERTIFICATE_COMPRESSION SSL_OP_BIT(33)

/* From OpenSSL 3.3 on there is a call that also takes times after 2038, and the one before is to be
 * left. */
#if OPENSSL_VERSION_MAJOR > 3 || OPENSSL_VERSION_MINOR >= 3
#define GW_SSL_SESSION_SET_TIME SSL_SESSION_set_time_ex
#else
#define GW_SSL_SESSION_SET_TIME SSL_SESSION_set_time
#endif
