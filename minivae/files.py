"""Files: read whole or refused in one line; written as the old one or the new one, never a part of either."""

import os
import re
import secrets
import stat
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

_guards = ContextVar("guards", default=())  # functions of a path: may a file be put there?


@contextmanager
def guarded(check):
    """Inside, `check(path)` is called before any file is put in its place; it raises where that must not be."""
    token = _guards.set((*_guards.get(), check))
    try:
        yield
    finally:
        _guards.reset(token)


def check_guards(path):
    """Raises what a guard raises of a path.

    It is called between opening a file and changing what others see: a folder that is renamed later takes along the
    file that was opened.
    """
    for check in _guards.get():
        check(Path(path))


def write_atomic(path, content):
    """Write bytes under a temporary name of this call alone, flush them, replace `path`."""
    path = Path(path)
    temporary = path.with_name(f".minivae-{os.getpid()}-{secrets.token_hex(4)}.partial")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        check_guards(path)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror}") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def append(path, content):
    """Add bytes to the end of a file that exists, and flush them."""
    try:
        with open(path, "r+b") as file:
            file.seek(0, os.SEEK_END)
            check_guards(path)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror}") from None


def remove_abandoned(folder):
    """Remove what `write_atomic` began in a folder, in a process that is gone."""
    for path in Path(folder).glob(".minivae-*.partial"):
        match = re.fullmatch(r"\.minivae-(\d+)-[0-9a-f]{8}\.partial", path.name)
        if match and not is_alive(int(match[1])):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def is_alive(pid):
    """Whether another process has this number; where the system cannot tell, one has."""
    if pid == os.getpid():  # in a container the number of a killed process comes back
        return False
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)  # sends nothing, only asks
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        return True
    return True


def sync_folder(path):
    """Make renames inside a folder survive a power cut, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def check_file(path, argument):
    """ValueError, which names the argument, unless `path` is a regular file: a pipe would block, a device never end."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise ValueError(f"{argument}: {path} does not exist") from None
    except OSError as error:
        raise ValueError(f"{argument}: cannot read {path} ({error.strerror})") from None
    if not stat.S_ISREG(mode):
        raise ValueError(f"{argument}: expected a file, {path} is {'a folder' if stat.S_ISDIR(mode) else 'none'}")


def read_file(path, argument, most=2**30):
    """Bytes of a file, `most` of them; ValueError, which names the argument, where it cannot be read."""
    check_file(path, argument)
    try:
        size = os.path.getsize(path)
        if size > most:
            raise ValueError(f"{argument}: expected at most {most:,} bytes, {path} has {size:,}")
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ValueError(f"{argument}: cannot read {path} ({error.strerror})") from None


def said(error):
    """What an OSError says, with its files and without its number."""
    if error.strerror is None:
        return str(error) or type(error).__name__
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    return ": ".join([" to ".join(names), error.strerror] if names else [error.strerror])


def memory():
    """Bytes of memory that this machine has; infinite where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return float("inf")
