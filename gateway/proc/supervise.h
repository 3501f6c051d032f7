/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master's loop: it starts the workers, replaces those that die, rotates ticket keys, prints
 * the workers' log entries, and handles the signals.
 *
 * HUP: files are read again (reload.h); `reload` is NULL where there is nothing to reload. TERM,
 * INT: workers drain within --shutdown-timeout, then are killed; a second signal kills at once. A
 * worker that dies is replaced at once; if it lived for less than respawn_fast_ns, after a delay
 * that doubles. The other workers are not affected. If the master dies, the workers see their
 * channels close, and drain.
 */
#pragma once

#include "gateway/proc/reload.h"

struct gw_supervise_times {
    int64_t respawn_fast_ns;  /* a worker that lived less than this is replaced with a delay */
    int64_t respawn_first_ns; /* the first delay; each next one is twice as long */
    int64_t respawn_max_ns;   /* the maximum delay */
    int64_t ticket_life_ns;   /* between two rotations */
    int64_t stop_again_ns;    /* a second TERM or INT before this counts as an echo of the first */
    int64_t expiry_ns;        /* between two checks of certificates' expiry */
    int64_t kill_grace_ns;    /* how long after --shutdown-timeout a draining worker is killed */
};

extern const struct gw_supervise_times gw_supervise_default_times;

/* Blocks the signals that the loop reads. Returns their signalfd, or a negative errno. Call it
 * early, so that a signal during start-up waits for the loop. */
gw_must_check int gw_supervise_signals(void);

/*
 * Runs until all workers are gone. Returns the exit code: GW_EXIT_OK after a signal; GW_EXIT_START
 * when a worker reported that it cannot start before all were ready; GW_EXIT_OTHER when the loop
 * itself failed. Closes the listeners as soon as draining begins. Logs its own errors.
 */
enum gw_exit gw_supervise(struct gw_heritage *h, const struct gw_supervise_times *times,
                          struct gw_reload *reload, int signal_fd);
