/* SPDX-License-Identifier: Apache-2.0 */
/* The saved results that a report is made of. */
#pragma once

#include "bench/tool/config.h"
#include "gateway/base/error.h"

#include <jansson.h>

enum bench_input_kind {
    BENCH_INPUT_SINGLE, /* of a command that loads one server */
    BENCH_INPUT_COMPARE,
    BENCH_INPUT_CRYPTO,
};

struct bench_input {
    char *path;
    char name[64]; /* the file's, without folder and .json */
    enum bench_input_kind kind;
    json_t *json;
};

struct bench_inputs {
    struct bench_input list[BENCH_INPUTS_MAX];
    unsigned count;
};

/* Whether it is a result, and which kind: 0; -EINVAL with a phrase that says what is missing. */
gw_must_check int bench_input_judge(const json_t *json, enum bench_input_kind *ret_kind,
                                    const char **ret_why);
/* Reads all, those of a folder by name. 0, or negative errno with *err filled: it names the file
 * and what is wrong there. *ret must be cleared also on failure. */
gw_must_check int bench_inputs_read(const struct bench_report_wish *wish, struct bench_inputs *ret,
                                    struct gw_error *err);
void bench_inputs_clear(struct bench_inputs *inputs);
