# SPDX-License-Identifier: Apache-2.0
"""Network namespaces, as /proc tells of them: who is in one or holds one, and a visit to one."""
import contextlib
import ctypes
import os
import pathlib
import re
import time

CLONE_NEWNET = 0x40000000 # <linux/sched.h>


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def interfaces():
    return sorted(os.listdir("/sys/class/net"))


def namespace_of(pid="self"):
    """None: there is no such process any more."""
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return None


def held_by(pid):
    """The namespaces that it holds descriptors of: name → path."""
    held = {}
    with contextlib.suppress(OSError):
        for path in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                held[os.readlink(path)] = path
    return {name: path for name, path in held.items() if name.startswith("net:")}


def holders(namespaces):
    """Processes that are in one of them or hold a descriptor of one."""
    return [int(pid) for pid in filter(str.isdigit, os.listdir("/proc"))
            if namespaces & {namespace_of(pid), *held_by(pid)}]


def go_into(descriptor):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def inside(path):
    """Meanwhile this thread is in the namespace."""
    with open("/proc/self/ns/net", "rb") as home, open(path, "rb") as space:
        go_into(space.fileno())
        try:
            yield
        finally:
            go_into(home.fileno())


def lacks(done):
    """What this machine does not have that the tool needs; None where anything else is wrong."""
    lack = re.search("built without|is not installed|takes root", done.stderr)
    return done.stderr.strip() if done.returncode == 3 and lack else None
