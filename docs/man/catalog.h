/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of one program as manual pages and completions need it, whichever option table
 * it comes from. The tables stay the only place where a flag is described.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* How the value of a flag can be completed. */
enum doc_takes {
    DOC_TAKES_NOTHING, /* a switch */
    DOC_TAKES_TEXT,    /* anything */
    DOC_TAKES_WORD,    /* one of `words` */
    DOC_TAKES_WORDS,   /* some of `words`, joined by ',' */
    DOC_TAKES_FILE,
    DOC_TAKES_FOLDER,
    DOC_TAKES_USER,
    DOC_TAKES_GROUP,
};

enum {
    DOC_COMMANDS_MAX = 32,
    DOC_FLAGS_MAX = 256,
    DOC_RANGE_MAX = 96,
    DOC_WORD_MAX = 32,
    DOC_ABOUT_MAX = 80,
    DOC_NO_GROUP = -1,
};

struct doc_flag {
    const char *name; /* without dashes */
    enum doc_takes takes;
    unsigned commands;         /* bits 1 << index of the command */
    int group;                 /* in the order of --help; DOC_NO_GROUP: there are none */
    const char *group_title;   /* NULL without a group */
    const char *value;         /* NULL where there is none, or where `words` says it */
    const char *const *words;  /* ends with NULL; NULL without */
    const char *alone;         /* the word that the flag stands for without a value; NULL: none */
    const char *initial;       /* the default, in words; NULL: none */
    const char *help;          /* a sentence without a capital and a full stop */
    char range[DOC_RANGE_MAX]; /* of numbers: "1 to 64"; else "" */
    bool repeatable;
    bool bare;       /* the value may stand alone, without --NAME */
    bool of_all;     /* configuration file: a key that stands before the sections */
    bool of_service; /* configuration file: a key of a section */
};

struct doc_command {
    const char *word; /* one word, or two */
    const char *title;
    const char *about; /* a paragraph; NULL: the title says it all */
    const char *usage; /* what follows the word */
    bool takes_files;  /* without a flag */
};

struct doc_program {
    const char *name;
    bool helps; /* `NAME help COMMAND` is understood */
    struct doc_command commands[DOC_COMMANDS_MAX];
    unsigned command_count;
    struct doc_flag flags[DOC_FLAGS_MAX];
    unsigned flag_count;
};

/* Each fills a program, from ktlsgate's table and from that of ktlsgate-bench. */
void doc_catalog_gateway(struct doc_program *ret);
void doc_catalog_bench(struct doc_program *ret);

/* The number of the command; command_count for a word that is none. */
unsigned doc_command_find(const struct doc_program *program, const char *word);
/* Whether the command takes the flag. */
bool doc_takes(const struct doc_flag *flag, unsigned command);

/*
 * What may follow `before` (words of a command, "" for none) on the command line, one word a call:
 * *at begins as 0. Returns false at the end. `ret_about` says what the word is for.
 */
bool doc_next_word(const struct doc_program *program, const char *before, unsigned *at,
                   char ret_word[static DOC_WORD_MAX], char ret_about[static DOC_ABOUT_MAX]);

/* What goes into doc_flag.range; durations are nanoseconds. */
void doc_range_of_numbers(uint64_t min, uint64_t max, char ret[DOC_RANGE_MAX]);
void doc_range_of_sizes(uint64_t min, uint64_t max, char ret[DOC_RANGE_MAX]);
void doc_range_of_durations(uint64_t min, uint64_t max, bool or_zero, char ret[DOC_RANGE_MAX]);
