# SPDX-License-Identifier: Apache-2.0
"""What a test starts and makes, and what must not remain of it however the test ends: by itself, by
an exception, or by SIGTERM, as when it takes too long."""
import atexit
import shutil
import signal
import subprocess
import sys
import tempfile

children = []
folders = []


def start(words, **more):
    child = subprocess.Popen(words, **more)
    children.append(child)
    return child


def make_folder(prefix):
    folders.append(tempfile.mkdtemp(prefix=prefix))
    return folders[-1]


@atexit.register
def clean_up():
    for child in children:
        child.kill()
        child.wait()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
