/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets on 127.0.0.1 and waiting with a deadline; what fails here fails the test. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For how long a test waits for what should come: half a minute, a minute in the test kernel, which
 * is slow and may share its CPU. Once something did not come, what else does not is not worth that
 * long: a program that waits in vain fails soon, with a sentence for each of its tests. */
#define DEADLINE_MS net_patience_ms()
int net_patience_ms(void);
/* Something did not come in so many milliseconds; less than ten seconds mean nothing, as tests also
 * look that nothing comes. */
void net_give_up(int64_t waited_ms);

int64_t net_now_ms(void);
/* A listening socket, not blocking; its port in *ret_port. */
int net_listen(int backlog, uint16_t *ret_port);
/* Like net_listen, on a Unix socket of this path, which must be new. */
int net_listen_unix(int backlog, const char *path);
/* Starts to connect, without waiting: the descriptor, not blocking; negative errno. */
int net_connect_begin(uint16_t port);
/* Connects and waits for it: the descriptor, not blocking; negative errno. */
int net_connect(uint16_t port);
int net_connect_unix(const char *path);
/* Waits for poll(2) events on fd: false when there were none until `deadline_ms` of the clock. */
bool net_await(int fd, short events, int64_t deadline_ms);
/* Sends all, in pieces of `piece` bytes (0: as they come); false on error or deadline. */
bool net_send(int fd, const void *data, size_t len, size_t piece);
/* Receives until `len` bytes, the end of the stream or an error: bytes got; *ret_error is 0 at the
 * end of the stream or when all came, else an errno, ETIMEDOUT at the deadline. */
size_t net_receive(int fd, void *data, size_t len, int *ret_error);
/* Closes with RST instead of FIN. */
void net_reset(int fd);
