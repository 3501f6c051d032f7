/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master's loop: it starts the workers, replaces those that die, rotates ticket keys, prints
 * what workers log, and takes the signals.
 *
 * HUP: files are read again (reload.h); `reload` is NULL where there is nothing to reload.
 * TERM, INT: workers drain within --shutdown-timeout, then are killed; a second one kills at once.
 * A worker that dies is replaced at once, and if it had lived for less than respawn_fast_ns, after
 * a time that doubles. The others never notice. If the master dies, the workers see the end of
 * their channels and drain.
 */
#pragma once

#include "gateway/proc/reload.h"

struct gw_supervise_times {
    int64_t respawn_fast_ns;  /* a worker that lived shorter is backed off … */
    int64_t respawn_first_ns; /* … this long the first time, then twice as long, … */
    int64_t respawn_max_ns;   /* … but never longer than this */
    int64_t ticket_life_ns;   /* between two rotations */
    int64_t stop_again_ns;    /* a second TERM or INT before this is the first one's echo */
    int64_t expiry_ns;        /* between two looks at the ends of certificates */
    int64_t kill_grace_ns;    /* after --shutdown-timeout, until a draining worker is killed */
};

extern const struct gw_supervise_times gw_supervise_default_times;

/* Blocks the signals that the loop reads and returns their signalfd, or negative errno. Called
 * early, so that a signal during start-up waits for the loop. */
gw_must_check int gw_supervise_signals(void);

/*
 * Runs until all workers are gone; returns the exit code: GW_EXIT_OK after a signal, GW_EXIT_START
 * when a worker said that it cannot start before all had been ready, GW_EXIT_OTHER when the loop
 * itself broke. Closes the listeners as soon as draining begins. Logs all it has to say.
 */
enum gw_exit gw_supervise(struct gw_heritage *h, const struct gw_supervise_times *times,
                          struct gw_reload *reload, int signal_fd);
