"""Extractions, each in a process of its own. yt-dlp is imported by this process, and by no other.

`python -m services.resolver.child FD BYTES [PLUGINS...]` is a nursery: it imports yt-dlp once, then forks a child for
every request that comes on the socket FD (`nursery` is its other end). A child reads one job (a JSON line) from one
pipe, writes one answer (a JSON line) to another and exits. It trusts nothing it loads: memory is limited to BYTES,
sockets reach the job's proxy only, no program but Node is started. When the first pipe closes, because the resolver has
died, its whole process group ends.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct

from services.common import codec
from services.resolver.errors import Failure
from services.resolver.extraction import Tell, describe, extract
from services.resolver.fence import Fence
from services.resolver.info import Entry, Info
from services.resolver.loader import Job, warm

FOLDER_PREFIX: Final = "wt-extract-"
READY: Final = b"ready\n"
REQUEST_BYTES: Final = 4096
REAP_S: Final = 0.05
# More than any deadline lets pass.
PROCESSOR_S: Final = 600


class Answer(Struct, kw_only=True, frozen=True):
    """The video, or why there is none. One that comes before that has `listed` alone: what a list names after it."""

    info: Info | None = None
    failure: Failure | None = None
    listed: list[Entry] | None = None


def main() -> None:
    """Be a nursery until the resolver lets go of the socket."""
    control = socket.socket(fileno=int(sys.argv[1]))
    _limit(int(sys.argv[2]))
    warm(sys.argv[3:])
    # What is here stays shared between all children as long as no collection touches it.
    gc.collect()
    gc.freeze()
    control.sendall(READY)
    released: set[int] = set()
    while True:
        readable, _, _ = select.select([control], [], [], REAP_S if released else None)
        released -= {pid for pid in released if _has_ended(pid)}
        if not readable:
            continue
        request, descriptors, _, _ = socket.recv_fds(control, REQUEST_BYTES, 2)
        if not request:
            return
        word, _, argument = request.decode().partition(" ")
        if word == "bear":
            control.sendall(b"%d\n" % _bear(control, descriptors, argument))
        else:
            # Until now the dead child kept its id, so that the resolver could kill no stranger.
            released.add(int(argument))
            control.sendall(READY)


def _has_ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _bear(control: socket.socket, descriptors: Sequence[int], folder: str) -> int:
    """Fork a child that lives in `folder`; its process id."""
    pid = os.fork()
    if pid:
        # In both processes: whoever comes first, the group is there before anybody kills it.
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        for descriptor in descriptors:
            os.close(descriptor)
        return pid
    try:
        os.setpgid(0, 0)
        control.close()
        _settle_in(folder)
        _serve(*descriptors)
    finally:
        os._exit(1)


def _settle_in(folder: str) -> None:
    # Whoever spins in an expression holds the interpreter: then nobody in here notices that the resolver has died.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S, PROCESSOR_S))
    os.chdir(folder)
    os.environ |= dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "TMPDIR"), folder)
    tempfile.tempdir = folder


def _serve(jobs: int, answers: int) -> None:
    """Serve one job."""
    with os.fdopen(jobs, "rb") as incoming:
        line = incoming.readline()
        if not line:
            _remove_folder()
            return
        threading.Thread(target=_end_with_parent, args=(incoming,), daemon=True).start()
        fence = Fence()
        sys.addaudithook(fence)
        job = codec.decode_as(Job, line)
        fence.open((job.proxy, job.pot_url), (job.node,))
        with os.fdopen(answers, "wb") as out:

            def say(answer: Answer) -> None:
                out.write(codec.encode(answer) + b"\n")
                out.flush()

            say(_answer(job, lambda entries: say(Answer(listed=entries))))
        # Extractors leave threads behind; nothing of this process is worth an orderly end.
        os._exit(0)


def _answer(job: Job, tell: Tell) -> Answer:
    try:
        return Answer(info=extract(job, tell))
    except MemoryError:
        return Answer(failure=Failure(["MemoryError"], ""))
    except Exception as error:  # whatever an extractor raises is an answer, not a crash
        return Answer(failure=describe(error))


def _limit(memory_bytes: int) -> None:
    # Not RLIMIT_AS: Node reserves gigabytes of address space that it never touches.
    # macOS knows the limit and refuses to set it; there the deadline is what ends a hog.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_parent(incoming: BinaryIO) -> None:
    incoming.read()
    _remove_folder()
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _remove_folder() -> None:
    """Leave nothing in memory; the parent would do it, were it there."""
    if Path.cwd().name.startswith(FOLDER_PREFIX):
        shutil.rmtree(Path.cwd(), ignore_errors=True)


if __name__ == "__main__":
    main()
