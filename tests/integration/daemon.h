/* SPDX-License-Identifier: Apache-2.0 */
/* Another program's server as a child process, in a folder of its own, one at a time. */
#pragma once

#include <stdint.h>

/* Starts it and waits until `port` of 127.0.0.1 takes connections; the test is skipped where the
 * program is not installed. */
void daemon_start(const char *const *words, uint16_t port);
/* Where it runs, for files to be put before. */
const char *daemon_folder(void);
/* cmocka's tear-down of a test, and harmless where none runs: kills it with its children and
 * removes the folder. */
int daemon_stop(void **state);
/* A port of 127.0.0.1 that is free now. */
uint16_t daemon_port(void);
