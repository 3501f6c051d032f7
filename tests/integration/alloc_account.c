/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/alloc_account.h"

#include "gateway/base/compat.h"
#include "tests/integration/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct alloc_fault *account;
static char file[256];

struct alloc_fault *alloc_account_open(void)
{
    (void)snprintf(file, sizeof(file), "%s/allocations", world_folder());
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return NULL;
    void *p = MAP_FAILED;
    if (ftruncate(fd, sizeof(*account)) == 0)
        p = mmap(NULL, sizeof(*account), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    account = p == MAP_FAILED ? NULL : p;
    return account;
}

void alloc_account_close(void)
{
    if (account)
        (void)munmap(account, sizeof(*account));
    account = NULL;
    (void)unlink(file);
}

void alloc_account_preload(bool on)
{
    const char *library = getenv("ALLOC_FAULT");
    if (on && library && !GW_WITH_ASAN) {
        (void)setenv("LD_PRELOAD", library, 1);
        (void)setenv(ALLOC_FAULT_FILE, file, 1);
    } else {
        (void)unsetenv("LD_PRELOAD");
        (void)unsetenv(ALLOC_FAULT_FILE);
    }
}
