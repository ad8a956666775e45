"""A faulty disk: below a folder, the k-th thing that a program does to its files fails, or the program dies there.

    with faulty(folder, at=3, kind="ENOSPC") as disk: ...        # disk.log: [(operation, path)] of all that was done

Counted is what changes a disk or waits for it: opening to write, each write that reaches the system, syncing,
replacing, making and removing files and folders. Reading is not, nor is removing what is not there.
"""

import builtins
import errno
import io
import os
import shutil
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

KINDS = ("ENOSPC", "EIO", "EACCES", "dies")
TAKES_SPACE = ("open", "write", "fsync", "mkdir")  # fail on a disk that is full, and go on to fail
OPEN, RMTREE = builtins.open, shutil.rmtree


class Died(BaseException):
    """Stands for kill -9: nothing in the program catches it, and nothing that would clean up can."""


class Disk:
    """What was done below a folder, and what is to happen at which step: `at` counts from 1, None is a sound disk."""

    def __init__(self, folder, at=None, kind=None, watch=lambda: None):
        self.folder, self.at, self.kind, self.watch = Path(folder).absolute(), at, kind, watch
        self.log = []
        self.paths = {}  # of open files, by their number
        self.full = self.dead = self.inside = False

    def below(self, path):
        """Whether this is a path in the folder."""
        return isinstance(path, str | os.PathLike) and Path(os.path.abspath(path)).is_relative_to(self.folder)

    def step(self, operation, path, part=lambda: None):
        """Count one operation on a path; where the program dies in it, a part is done."""
        if self.inside or not self.below(path):
            return
        if self.dead:
            raise Died
        self.watch()
        self.log.append((operation, Path(os.path.abspath(path))))
        if len(self.log) == self.at or (self.full and operation in TAKES_SPACE):
            self.full = self.kind == "ENOSPC"
            self.dead = self.kind == "dies"
            if self.dead:
                part()
                raise Died
            code = getattr(errno, self.kind)
            raise OSError(code, os.strerror(code), str(path))

    def write(self, path, size, write):
        """Count a write of `size` bytes by `write(n)`, which says how many it took: a disk gets full in the middle."""
        was_full = self.full
        try:
            self.step("write", path, lambda: write(size // 2))
        except OSError:
            if was_full or not self.full:
                raise
            return write(size // 2)
        return write(size)


class _Raw(io.FileIO):
    """A file whose writes are counted."""

    def __init__(self, disk, file, mode, closefd, opener):
        self.disk, self.path = disk, disk.paths.get(file, file)
        super().__init__(file, mode, closefd, opener)
        disk.paths[self.fileno()] = self.path

    def write(self, data):
        data = memoryview(data).cast("B")
        return self.disk.write(self.path, len(data), lambda n: io.FileIO.write(self, data[:n]))


@contextmanager
def faulty(folder, at=None, kind=None, watch=lambda: None):
    """Inside, the disk below the folder has this fault. `watch()` is called before every operation."""
    disk = Disk(folder, at, kind, watch)

    def open_file(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
        if not set(mode) & set("wax+") or not disk.below(disk.paths.get(file, file)):
            return OPEN(file, mode, buffering, encoding, errors, newline, closefd, opener)
        if not isinstance(file, int):
            disk.step("open", file)
        raw = _Raw(disk, file, mode.translate({ord("b"): None, ord("t"): None}), closefd, opener)
        if buffering == 0:
            return raw
        buffered = (io.BufferedRandom if "+" in mode else io.BufferedWriter)(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

    def open_number(path, flags, mode=0o777, *, dir_fd=None):
        disk.step("open", path)
        number = real["open"](path, flags, mode, dir_fd=dir_fd)
        disk.paths[number] = path
        return number

    def on_path(name, does_nothing):
        def call(path, *args, **kwargs):
            if not does_nothing(path):
                disk.step(name, path)
            return real[name](path, *args, **kwargs)

        return call

    def on_two(name):
        def call(old, new, **kwargs):
            disk.step("replace", new)
            return real[name](old, new, **kwargs)

        return call

    def sync(number):
        if number in disk.paths:
            disk.step("fsync", disk.paths[number])

    def write(number, data):
        return disk.write(disk.paths.get(number), len(data), lambda n: real["write"](number, data[:n]))

    def send(out, source, offset, count):
        size = min(count, os.fstat(source).st_size - offset)
        return disk.write(disk.paths.get(out), size, lambda n: real["sendfile"](out, source, offset, n))

    def remove_tree(path, ignore_errors=False, **kwargs):
        try:
            disk.step("rmtree", path)
        except OSError:
            if ignore_errors:
                return
            raise
        disk.inside = True
        try:
            RMTREE(path, ignore_errors, **kwargs)
        finally:
            disk.inside = False

    is_missing = lambda path: not os.path.lexists(path)  # noqa: E731
    stand_ins = {"open": open_number, "mkdir": on_path("mkdir", os.path.lexists), "fsync": sync, "fdatasync": sync,
                 "write": write, "sendfile": send}  # fmt: skip
    stand_ins |= {name: on_two(name) for name in ("replace", "rename", "link")}
    stand_ins |= {name: on_path(name, is_missing) for name in ("unlink", "remove", "rmdir", "truncate")}
    real = {name: getattr(os, name) for name in stand_ins}
    with ExitStack() as stack:
        for name, stand_in in stand_ins.items():
            stack.enter_context(mock.patch.object(os, name, stand_in))
        stack.enter_context(mock.patch.object(shutil, "rmtree", remove_tree))
        for module in (builtins, io):
            stack.enter_context(mock.patch.object(module, "open", open_file))
        yield disk
