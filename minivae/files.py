"""Files: read whole or refused in one line; written as the old one or the new one, never a part of either."""

import io
import json
import math
import os
import platform
import re
import secrets
import shutil
import stat
import tempfile
import zlib
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

_own = set()  # temporary names of this process, whose number may be that of one that was killed
_guards = ContextVar("guards", default=())  # functions of a path: may a file be put there?


def check_guards(path):
    """Raises what a guard raises of a path.

    It is called again between opening a file and changing what others see: a folder that is renamed later takes along
    the file that was opened.
    """
    for check in _guards.get():
        check(Path(path))


def write_atomic(path, content):
    """Write bytes under a temporary name of this call alone, flush them, replace `path`."""
    path = Path(path)
    with beside(path) as temporary:
        try:
            check_guards(path)
            with open(temporary, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            check_guards(path)
            os.replace(temporary, path)
            sync_folder(path.parent)
        except OSError as error:
            raise OSError(error.errno, f"cannot write {path}: {error.strerror}") from None


def write_array(path, array):
    """The same for an array, as .npy."""
    import numpy as np

    content = io.BytesIO()
    np.save(content, array)
    write_atomic(path, content.getvalue())


def append(path, content):
    """Add bytes to the end of a file that exists, and flush them."""
    try:
        check_guards(path)
        with open(path, "r+b") as file:
            file.seek(0, os.SEEK_END)
            check_guards(path)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror}") from None


@contextmanager
def beside(path):
    """A name that nobody else uses, in the folder of `path`, for what takes its place when whole, or is removed."""
    temporary = Path(path).with_name(f".minivae-{_host()}-{os.getpid()}-{secrets.token_hex(4)}.partial")
    _own.add(temporary.name)
    try:
        yield temporary
    finally:
        _own.discard(temporary.name)
        _remove(temporary)


def _host():
    """A number of this machine, or container: of what another has begun in a shared folder nothing is known here."""
    processes = os.readlink("/proc/self/ns/pid") if os.path.exists("/proc/self/ns/pid") else ""
    return f"{zlib.crc32((platform.node() + processes).encode()):08x}"


@contextmanager
def held(folder):
    """Inside, nothing is written below this path once another folder is there, or none; gives the folder's handle.

    As long as the handle is open the system gives the folder's number to no other. None where it has no such handles.
    """
    check_file(folder, "run", folder=True)
    if not hasattr(os, "O_DIRECTORY"):
        yield None
        return
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ValueError(f"run: cannot open {folder} ({error.strerror})") from None
    own = os.fstat(handle)
    below = os.path.abspath(folder)

    def check(path):
        try:
            same = os.path.samestat(own, os.stat(below))
        except OSError:
            same = False
        if not same and Path(os.path.abspath(path)).is_relative_to(below):
            raise ValueError(f"run: {folder} is no longer the folder that it was, it was removed or renamed; nothing "
                             "more is written")  # fmt: skip

    token = _guards.set((*_guards.get(), check))
    try:
        yield handle
    finally:
        _guards.reset(token)
        os.close(handle)


@contextmanager
def owned(folder):
    """Held, and by nobody else in this way; ValueError if it is. The system forgets it at any exit of a process."""
    with held(folder) as handle:
        if handle is not None:
            import fcntl

            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ValueError(f"run: {folder} is being trained by another process") from None
        yield


@contextmanager
def alone(path):
    """Inside, whoever else comes here with the same file waits: what is read is still there when it is written."""
    with ExitStack() as stack:
        while hasattr(os, "O_DIRECTORY"):
            import fcntl

            file = stack.enter_context(open(path, "rb"))
            with suppress(OSError):  # a system without locks
                fcntl.flock(file, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):  # else it was replaced while this one waited
                break
        yield


def inside(folder, *names):
    """folder/name/...; ValueError where a symbolic link below the folder leads out of it."""
    path = Path(folder, *names)
    try:
        within = path.resolve().is_relative_to(Path(folder).resolve())
    except (OSError, RuntimeError):  # links in a circle
        within = False
    if not within:
        raise ValueError(f"run: {path} is a symbolic link out of the run folder, where nothing is read or written")
    return path


def sweep(folder):
    """Remove what was begun in a folder under such names by processes of this machine that are gone."""
    for path in Path(folder).glob(f".minivae-{_host()}-*.partial"):
        match = re.fullmatch(r"\.minivae-[0-9a-f]{8}-(\d+)-[0-9a-f]{8}\.partial", path.name)
        if match and path.name not in _own and not _is_alive(int(match[1])):
            _remove(path)


def _remove(path):
    """Remove a file or a folder, if it is there and the system lets one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _is_alive(pid):
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


def check_writable(folder, argument):
    """Make a folder where there is none; ValueError, which names the argument, unless files can be written in it."""
    check_guards(folder)
    try:
        Path(folder).mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")
    except OSError as error:
        raise ValueError(f"{argument}: cannot write into {folder} ({error.strerror})") from None


def sync_folder(path):
    """Make renames inside a folder survive a power cut, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def check_file(path, argument, folder=False):
    """ValueError, which names the argument, unless `path` is a regular file (a pipe would block), or a `folder`."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise ValueError(f"{argument}: {path} does not exist") from None
    except OSError as error:
        raise ValueError(f"{argument}: cannot read {path} ({error.strerror})") from None
    if not (stat.S_ISDIR if folder else stat.S_ISREG)(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a file" if stat.S_ISREG(mode) else "neither file nor folder"
        raise ValueError(f"{argument}: expected a {'folder' if folder else 'file'}, {path} is {kind}")
    if not (folder or os.access(path, os.R_OK)):
        raise ValueError(f"{argument}: cannot read {path} (Permission denied)")


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


def parse(content):
    """The JSON in text or bytes; ValueError also for NaN and infinities, which are none, and for numbers too long."""

    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    return json.loads(content, parse_constant=refuse)


def dump(document, indent=None):
    """A document as the bytes of JSON, with a new line behind it; ValueError where a number is not finite."""
    return (json.dumps(document, indent=indent, allow_nan=False) + "\n").encode()


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
        return math.inf
