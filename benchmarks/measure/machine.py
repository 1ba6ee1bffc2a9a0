# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the figures were measured on, and what this machine's disk can do."""
import hashlib
import itertools
import os
import platform
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def description(repository):
    def first(path, key):
        return next((line.split(":", 1)[1].strip() for line in Path(path).read_text().splitlines()
                     if line.startswith(key)), "?")

    commit = subprocess.run(["git", "-C", repository, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "processor": f"{os.cpu_count()} × {first('/proc/cpuinfo', 'model name')}",
            "memory": f"{int(first('/proc/meminfo', 'MemTotal').split()[0]) / 1e6:.0f} GB",
            "system": f"Linux {platform.release()}, Debian {Path('/etc/debian_version').read_text().strip()}",
            "load before": f"{os.getloadavg()[0]:.2f}",
            "commit": commit.stdout.strip()}


def durable_files_per_second(folder, contents, threads=16):
    """What a store that loses nothing must do at least for each file: write, fsync, rename, fsync the folder."""
    folder = Path(folder)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)

    def keep(numbered):
        number, content = numbered
        file = os.open(folder / f".{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(file, content)
        os.fsync(file)
        os.close(file)
        os.rename(folder / f".{number}", folder / str(number))
        os.fsync(descriptor)

    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(keep, enumerate(contents)))
    took = time.perf_counter() - started
    os.close(descriptor)
    return len(contents) / took


copies = itertools.count()


def write_fsync_seconds(folder, content):
    """Seconds to write and fsync a new file that stays, as an upload's does: what is written over an old one goes into memory
    that the system has at hand, which on some virtual machines takes half as long."""
    started = time.perf_counter()
    file = os.open(folder / f"copy-{next(copies)}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    view = memoryview(content)
    while view:
        view = view[os.write(file, view):]
    os.fsync(file)
    os.close(file)
    return time.perf_counter() - started


def write_fsync_hash_seconds(folder, content):
    """Seconds to write, fsync and hash one file, one after the other."""
    written = write_fsync_seconds(folder, content)
    started = time.perf_counter()
    hashlib.sha256(content).digest()
    return written + time.perf_counter() - started
