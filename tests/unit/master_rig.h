/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real master process (gateway/proc/supervise and what it stands on) with real worker processes,
 * whose work is a stand-in that only reports what happens to it. It reports through a FIFO, since
 * every other descriptor is closed on purpose.
 */
#pragma once

#include "gateway/base/clock.h"
#include "gateway/proc/supervise.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/support/folder.h"

enum {
    WORKERS = 2,
    PATIENCE_MS = 20000
};

#define AN_HOUR_NS (INT64_C(3600) * GW_NS_PER_SEC)

/* ---- the stand-in worker ---- */

enum behaviour {
    WORK,        /* READY, then end cleanly on DRAIN or the end of the channel */
    CRASH,       /* end at once with exit code 1 */
    REFUSE,      /* say that it cannot start */
    NEVER_DRAIN, /* READY, then run forever */
    BABBLE,      /* READY, then send what only the master may send */
    TALK,        /* log, then work */
    LOG,         /* log, then READY, log again and wake nobody, then die */
    HOLD,        /* work, with READY only when it is too late */
    HANG_UP,     /* READY, then close the channel and run forever */
    STOP,        /* stop the master, then READY and REFUSE */
};

/* What it answers to a new set of files. */
enum reaction {
    ADOPT,
    KEEP,
    IGNORE,
    ADOPT_OLDER, /* the set before, too, if there was one */
    ADOPT_NEWER, /* a set that was never sent */
};

/* What the test orders, of each worker: one that is started later obeys the newest order. */
struct orders {
    enum behaviour behaviour[WORKERS];
    enum reaction reaction[WORKERS];
    bool unreachable; /* no set can be sent to a worker */
    bool no_channel;  /* none can be made for a worker */
};

/* One report: the event, and its process. Shorter than PIPE_BUF, so that writes do not mix. */
struct report {
    char what; /* R ready, H holding, D drain, E end of channel, C crashed, F files, Q question */
    unsigned index;
    pid_t pid;
    /* D: the time-out; F: the number of the set; R: the number of the set that it began with; Q:
     * how the loader was asked */
    int64_t value;
    int64_t at_ns;
    char text[200]; /* R: what the worker sees of itself */
};

/* ---- a master in a process of its own ---- */

struct fixture {
    struct gw_config config;
    struct gw_service service;
    struct gw_heritage heritage;
    struct gw_supervise_times times;
    struct gw_reload *reload; /* NULL: none */
    struct orders *orders;    /* shared with all processes */
    char folder[FOLDER_MAX];
    int fifo;  /* reports of workers */
    int lines; /* what the master prints */
    int lines_write;
    char text[65536]; /* what was read of it */
    size_t text_len;
    pid_t master;
    uint16_t port;
};

/* cmocka's set-up and tear-down of a test; the fixture is its state. */
int rig_set_up(void **state);
int rig_tear_down(void **state);

void rig_all_behave(struct fixture *f, enum behaviour behaviour);
void rig_listen_on_loopback(struct fixture *f);
void rig_make_heritage(struct fixture *f);
/* Starts the master on the heritage that was made, which stays the test's, too. */
void rig_fork(struct fixture *f);
/* Makes the heritage, starts the master, and gives the test's copy up. */
void rig_start(struct fixture *f);

/* A report of something that is no worker. */
void rig_tell(char what, int64_t value);
/* Does nothing until that parent is dead. */
void rig_outlast(pid_t master);
bool rig_report_there(struct fixture *f, int patience_ms);
struct report rig_next(struct fixture *f);
/* The next report, which must be of this kind. */
struct report rig_expect(struct fixture *f, char what);
/* Both workers' reports of one kind, in order of index. */
void rig_expect_both(struct fixture *f, char what, struct report ret[WORKERS]);
/* No process holds the write end of the master's standard error any more. What they printed is in
 * f->text. */
void rig_expect_all_gone(struct fixture *f);
/* Reads what the master prints until `words` are there; it stays in f->text. */
void rig_wait_for_line(struct fixture *f, const char *words);
/* The same for words that are there `times` times by then; they are not there more often. */
void rig_wait_for_lines(struct fixture *f, const char *words, unsigned times);
unsigned rig_count(const struct fixture *f, const char *words);
void rig_signal(const struct fixture *f, int signal);
/* Kills a worker and waits until it is dead; the master may not know yet. */
void rig_kill(const struct report *worker);
/* Waits until a process is in a state (a letter of proc(5)), or gone. */
void rig_await_state(pid_t pid, char state);
void rig_expect_exit(struct fixture *f, int code);
/* 0 or a negative errno. */
int rig_connect_to(uint16_t port);
