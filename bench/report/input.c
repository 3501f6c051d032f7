/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report/input.h"

#include "bench/tool/value.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What a kind must have, at the least. */
static const struct {
    const char *work; /* NULL: any other */
    const char *why;
} kinds[] = {
    [BENCH_INPUT_COMPARE] = {"compare", "it has no list of 'cases'"},
    [BENCH_INPUT_CRYPTO] = {"crypto", "its 'result' has no list of 'figures'"},
    [BENCH_INPUT_SINGLE] = {NULL, "it has no 'result'"},
};

static enum bench_input_kind kind_of(const char *work)
{
    for (unsigned i = 0; i < GW_ARRAY_SIZE(kinds); i++)
        if (kinds[i].work && !strcmp(kinds[i].work, work))
            return (enum bench_input_kind)i;
    return BENCH_INPUT_SINGLE;
}

int bench_input_judge(const json_t *json, enum bench_input_kind *ret_kind, const char **ret_why)
{
    const char *work = bench_text_at(json, "work");
    const json_t *result = json_object_get(json, "result");
    enum bench_input_kind kind = kind_of(work);
    *ret_why = "it has no 'work', so it is not a result of ktlsgate-bench";
    if (!work[0])
        return -EINVAL;
    *ret_why = kinds[kind].why;
    bool good = kind == BENCH_INPUT_COMPARE  ? json_is_array(json_object_get(json, "cases"))
                : kind == BENCH_INPUT_CRYPTO ? json_is_array(json_object_get(result, "figures"))
                                             : json_is_object(result);
    if (!good)
        return -EINVAL;
    *ret_kind = kind;
    return 0;
}

static void name_of(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    (void)snprintf(out, size, "%s", slash ? slash + 1 : path);
    char *end = strrchr(out, '.');
    if (end && end != out && !strcmp(end, ".json"))
        *end = '\0';
}

static int read_file(const char *path, struct bench_inputs *to, struct gw_error *err)
{
    json_error_t where;
    const char *why;
    if (to->count == BENCH_INPUTS_MAX)
        return gw_error_set(err, GW_EXIT_USAGE, "%s: one file too many", path);
    struct bench_input *in = &to->list[to->count];
    *in = (struct bench_input){.json = json_load_file(path, 0, &where)};
    if (!in->json && where.line > 0)
        return gw_error_set(err, GW_EXIT_START, "%s: line %d is not JSON: %s", path, where.line,
                            where.text);
    if (!in->json)
        return gw_error_set(err, GW_EXIT_START, "%s", where.text); /* it names the file */
    if (bench_input_judge(in->json, &in->kind, &why)) {
        json_decref(in->json);
        return gw_error_set(err, GW_EXIT_START, "%s: %s", path, why);
    }
    in->path = strdup(path);
    name_of(path, in->name, sizeof(in->name));
    to->count++;
    return 0;
}

static int is_json(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 5 && !strcmp(entry->d_name + len - 5, ".json");
}

static int read_folder(const char *path, struct bench_inputs *to, struct gw_error *err)
{
    struct dirent **entries = NULL;
    int r = 0;
    int count = scandir(path, &entries, is_json, alphasort);
    if (count < 0)
        return gw_error_set(err, GW_EXIT_START, "%s: %s", path, strerror(errno));
    if (count == 0)
        r = gw_error_set(err, GW_EXIT_START, "%s: there is no file *.json in this folder", path);
    for (int i = 0; i < count; i++) {
        char *file = NULL;
        if (!r && asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0)
            r = gw_error_set(err, GW_EXIT_OTHER, "out of memory");
        if (!r)
            r = read_file(file, to, err);
        free(file);
        free(entries[i]);
    }
    free(entries);
    return r;
}

int bench_inputs_read(const struct bench_report_wish *wish, struct bench_inputs *ret,
                      struct gw_error *err)
{
    int r = 0;
    ret->count = 0;
    for (unsigned i = 0; i < wish->count && !r; i++) {
        struct stat st;
        if (stat(wish->inputs[i], &st))
            r = gw_error_set(err, GW_EXIT_START, "%s: %s", wish->inputs[i], strerror(errno));
        else if (S_ISDIR(st.st_mode))
            r = read_folder(wish->inputs[i], ret, err);
        else
            r = read_file(wish->inputs[i], ret, err);
    }
    return r;
}

void bench_inputs_clear(struct bench_inputs *inputs)
{
    for (unsigned i = 0; i < inputs->count; i++) {
        free(inputs->list[i].path);
        json_decref(inputs->list[i].json);
    }
    inputs->count = 0;
}
