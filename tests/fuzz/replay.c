/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target once on every file of the given folders, where no fuzzing engine drives it. */
#include "gateway/base/attr.h"
#include "tests/fuzz/target.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>

static bool replay_file(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *file = fopen(path, "re");
    if (!file) {
        perror(path);
        return false;
    }
    size_t len = fread(data, 1, sizeof(data), file);
    fclose(file);
    /* Exactly as large as the input, so that a sanitizer sees every read past it. */
    uint8_t *exact = malloc(len ? len : 1);
    gw_require(exact);
    memcpy(exact, data, len);
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    return true;
}

/* Number of files replayed; -1 when one could not be. */
static int replay_folder(const char *folder)
{
    int files = 0;
    DIR *dir = opendir(folder);
    if (!dir) {
        perror(folder);
        return -1;
    }
    for (struct dirent *entry; files >= 0 && (entry = readdir(dir));) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        int len = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        files = len < (int)sizeof(path) && replay_file(path) ? files + 1 : -1;
    }
    closedir(dir);
    return files;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int files = replay_folder(argv[i]);
        printf("%s: %d inputs\n", argv[i], files);
        if (files <= 0)
            return 1;
    }
    return argc > 1 ? 0 : 2;
}
