"""Extractions, each in a process of its own. The only module that imports yt-dlp.

`python -m services.resolver.child FD BYTES [PLUGINS...]` is a nursery: it imports yt-dlp once, then forks a child for
every request that comes on the socket FD (`nursery` is its other end). A child reads one job (a JSON line) from one
pipe, writes one answer (a JSON line) to another and exits. It trusts nothing it loads: memory is limited to BYTES,
sockets reach the job's proxy only, no program but Node is started. When the first pipe closes, because the resolver has
died, its whole process group ends.
"""

from __future__ import annotations

import _strptime  # type: ignore[import-not-found]
import contextlib
import functools
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
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

import yt_dlp
import yt_dlp.extractor.generic
import yt_dlp.extractor.youtube
import yt_dlp.networking.common
from msgspec import Struct
from msgspec.structs import replace
from yt_dlp.globals import plugin_dirs
from yt_dlp.plugins import load_all_plugins

from services.common import codec
from services.common.cookies import Cookie
from services.resolver.errors import Failure
from services.resolver.info import MAX_ENTRIES, Entry, Info, is_gone, read_entries, read_info

FOLDER_PREFIX: Final = "wt-extract-"
READY: Final = b"ready\n"
REQUEST_BYTES: Final = 4096
REAP_S: Final = 0.05
# More than any deadline lets pass.
PROCESSOR_S: Final = 600
FORMAT: Final = "bestvideo*+bestaudio/best"
SOCKET_TIMEOUT_S: Final = 15
# A playlist whose first videos are gone is still one.
FIRST_TRIES: Final = 3
# A channel is a list of tabs, of which each is a list.
MOST_NESTED: Final = 3
_MESSAGE_CHARS: Final = 1000
_MANIFEST_BYTES: Final = 256 << 10
_MANIFESTS: Final = {".mpd": ("http_dash_segments", b"<MPD"), ".m3u8": ("m3u8_native", b"#EXTM3U")}


class Job(Struct, kw_only=True, frozen=True):
    """What to extract and how. `node` is Node's path, `pot_url` the PO-token provider's; '' for none."""

    url: str
    proxy: str
    node: str = ""
    pot_url: str = ""
    cookies: str = ""


class Answer(Struct, kw_only=True, frozen=True):
    """The video, or why there is none. One that comes before that has `listed` alone: what a list names after it."""

    info: Info | None = None
    failure: Failure | None = None
    listed: list[Entry] | None = None


Tell = Callable[[list[Entry]], None]


class Fence:
    """An audit hook: it can't be taken off again, and sees sockets and programs whoever opens them."""

    def __init__(self) -> None:
        self._addresses: set[tuple[str, int]] = set()
        self._hosts: set[str] = set()
        self._programs: set[str] = set()

    def open(self, job: Job) -> None:
        """Let the job's proxy, its PO-token provider and Node pass."""
        for url in filter(None, (job.proxy, job.pot_url)):
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
            self._hosts.add(host)
            # A provider whose name does not resolve costs its tokens, not the job.
            with contextlib.suppress(OSError):
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                self._addresses |= {(str(answer[4][0]), port) for answer in found}
        self._programs |= {job.node} - {""}

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        match event:
            case "socket.connect" | "socket.sendto" | "socket.sendmsg":
                self._check_address(arguments[1])
            case "socket.getaddrinfo" | "socket.gethostbyname":
                if arguments[0] not in self._hosts:
                    raise PermissionError(f"no name is resolved here: {arguments[0]}")
            case "subprocess.Popen":
                if str(arguments[0]) not in self._programs:
                    raise PermissionError(f"no such program is started here: {arguments[0]}")
            case "os.system" | "os.exec" | "os.posix_spawn" | "os.fork" | "os.forkpty":
                raise PermissionError("no program is started here")

    def _check_address(self, address: object) -> None:
        place = address[:2] if isinstance(address, tuple) else None
        if place not in self._addresses:
            raise PermissionError("only the egress proxy is reached from here")


class Silence:
    """yt-dlp's logger: what it says is in the exception too."""

    def debug(self, message: str) -> None: ...

    def warning(self, message: str) -> None: ...

    def error(self, message: str) -> None: ...


def main() -> None:
    """Be a nursery until the resolver lets go of the socket."""
    control = socket.socket(fileno=int(sys.argv[1]))
    _limit(int(sys.argv[2]))
    _warm(sys.argv[3:])
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
        fence.open(job)
        with os.fdopen(answers, "wb") as out:

            def say(answer: Answer) -> None:
                out.write(codec.encode(answer) + b"\n")
                out.flush()

            say(_answer(job, lambda entries: say(Answer(listed=entries))))
        # Extractors leave threads behind; nothing of this process is worth an orderly end.
        os._exit(0)


def _answer(job: Job, tell: Tell) -> Answer:
    try:
        return Answer(info=_extract(job, tell))
    except MemoryError:
        return Answer(failure=Failure(["MemoryError"], ""))
    except Exception as error:  # whatever an extractor raises is an answer, not a crash
        return Answer(failure=describe(error))


def _extract(job: Job, tell: Tell) -> Info:
    loader = _loader(job)
    try:
        raw = loader.extract_info(job.url, download=False)
    except MemoryError:
        raise
    except Exception as error:  # a parser that meets an odd manifest raises anything
        manifest = _manifest(loader, job.url) if "DRM" not in str(error) else None
        if manifest is None:
            raise
        raw = manifest
    video, entries = _opened(loader, raw, tell)
    info = read_info(_playable(loader, video), lambda url: _cookies(loader.cookiejar.get_cookies_for_url(url)))
    if job.cookies:
        info = replace(info, jar=_cookies(loader.cookiejar))
    return replace(info, entries=entries or [])


def _cookies(found: Iterable[Any]) -> list[Cookie]:
    """Cookies of `http.cookiejar`, where a value alone stands as a name."""
    return [
        Cookie(
            domain=cookie.domain,
            path=cookie.path,
            name=cookie.name if cookie.value is not None else "",
            value=cookie.value if cookie.value is not None else cookie.name,
            secure=bool(cookie.secure),
            expires=cookie.expires or 0,
        )
        for cookie in found
    ]


class Loader(yt_dlp.YoutubeDL):  # type: ignore[misc]  # yt-dlp is untyped
    """yt-dlp without the tables that it draws of every result in case a command line asked for them."""

    def _forceprint(self, key: str, info_dict: dict[str, Any]) -> None: ...


_prepared: list[Loader] = []


def _loader(job: Job) -> Loader:
    """The loader that the nursery made, which takes longer than many a page; made over to this job."""
    if not _prepared:
        return Loader(_parameters(job))
    loader = _prepared.pop()
    loader.params.update(_parameters(job))
    # What it derives from its parameters when first asked.
    for name in ("cookiejar", "proxies", "_js_runtimes", "_request_director"):
        loader.__dict__.pop(name, None)
    return loader


def _parameters(job: Job) -> dict[str, Any]:
    extractor_arguments: dict[str, dict[str, list[str]]] = {"youtube": {"skip": ["translated_subs"]}}
    if job.pot_url:
        extractor_arguments["youtubepot-bgutilhttp"] = {"base_url": [job.pot_url]}
    return {
        "format": FORMAT,
        "proxy": job.proxy,
        "cookiefile": job.cookies or None,
        "cachedir": False,
        "js_runtimes": {"node": {"path": job.node}} if job.node else {},
        "extractor_args": extractor_arguments,
        # A video in a playlist is that video; a playlist alone is its first, and the list of the others.
        "noplaylist": True,
        "extract_flat": "in_playlist",
        "playlist_items": f"1:{MAX_ENTRIES}",
        # Else YouTube's lists are loaded a second time, to see what was deleted from them.
        "compat_opts": {"no-youtube-unavailable-videos"},
        "writesubtitles": True,
        "writeautomaticsub": True,
        "socket_timeout": SOCKET_TIMEOUT_S,
        "extractor_retries": 1,
        "quiet": True,
        "noprogress": True,
        "logger": Silence(),
    }


def _opened(
    loader: Loader, raw: dict[str, Any] | None, tell: Tell, depth: int = MOST_NESTED
) -> tuple[dict[str, Any], list[Entry] | None]:
    """The video behind a result, and what the list that it is in names after it; None for no list.

    Of a list of lists, such as a channel's tabs, that is the innermost. Where its first video can't be opened it is
    the one after. `tell` hears what a list names before its first video is opened.
    """
    if raw is not None and raw.get("_type") not in ("playlist", "multi_video"):
        return raw, None
    failure: Exception = EmptyPlaylist("This playlist is empty.")
    entries = [entry for entry in (raw or {}).get("entries") or () if entry and not is_gone(entry)]
    if entries and all(_is_video(loader, entry) for entry in entries):
        tell(_after(entries, 0))
    for place, entry in enumerate(entries[:FIRST_TRIES] if depth else ()):
        is_link = entry.get("_type") in ("url", "url_transparent")
        try:
            # yt-dlp lists the names of what is in a list, and opens what is asked for by itself.
            found = loader.process_ie_result(dict(entry), download=False) if is_link else entry
            video, within = _opened(loader, found, tell, depth - 1)
        except (yt_dlp.utils.YoutubeDLError, EmptyPlaylist) as error:
            failure = error
        else:
            return video, _after(entries, place) if within is None else within
    raise failure


def _is_listed(entry: dict[str, Any]) -> bool:
    """Whether only yt-dlp's own list tells of a format's pieces; or it is a storyboard."""
    protocol = str(entry.get("protocol"))
    return protocol == "mhtml" or (protocol.startswith("http_dash") and not entry.get("manifest_url"))


def _after(entries: list[dict[str, Any]], place: int) -> list[Entry]:
    """What a list names after one of its entries, which it may name again."""
    named = {each.url for each in read_entries([entries[place]])}
    return [each for each in read_entries(entries[place + 1 :]) if each.url not in named]


def _is_video(loader: Loader, entry: dict[str, Any]) -> bool:
    """Whether an entry is surely one video, not a list of its own."""
    key = entry.get("ie_key")
    return bool(key and entry.get("url") and loader.get_info_extractor(key).is_single_video(entry["url"]))


def _playable(loader: Loader, raw: dict[str, Any]) -> dict[str, Any]:
    """`raw`, or what YouTube has of a broadcast that is just over: the last hours of it, as it was while it ran.

    Until it is processed yt-dlp lists its pieces one by one, from the first, and leaves that out as incomplete.
    """
    if raw.get("live_status") != "post_live" or not all(map(_is_listed, raw.get("formats") or [raw])):
        return raw
    loader.params["extractor_args"]["youtube"]["formats"] = ["incomplete"]
    with contextlib.suppress(yt_dlp.utils.YoutubeDLError):
        again = loader.extract_info(raw["webpage_url"], download=False)
        # How long it went on, not how much of it is left.
        return raw if again is None else again | {"duration": None}
    return raw


class EmptyPlaylist(Exception):
    """A playlist without a video."""


def _manifest(loader: Any, url: str) -> dict[str, Any] | None:
    """A manifest that yt-dlp can't read and a player perhaps can."""
    path = urlsplit(url).path
    name = os.path.basename(path)  # noqa: PTH119 - a URL's path, not a file's
    found = next((kind for suffix, kind in _MANIFESTS.items() if path.lower().endswith(suffix)), None)
    if found is None:
        return None
    protocol, mark = found
    try:
        beginning = loader.urlopen(url).read(_MANIFEST_BYTES)
    except yt_dlp.utils.YoutubeDLError:
        return None
    if mark not in beginning or b"ContentProtection" in beginning:
        return None
    is_live = b'type="dynamic"' in beginning or (b"#EXTINF" in beginning and b"#EXT-X-ENDLIST" not in beginning)
    entry = {"format_id": "0", "url": url, "manifest_url": url, "protocol": protocol}
    return {
        "id": name,
        "extractor_key": "Generic",
        "title": name.rpartition(".")[0],
        "is_live": is_live,
        "formats": [entry],
    }


def describe(error: BaseException) -> Failure:
    """An exception with its causes, as far as their meaning needs."""
    chain = list(_causes(error))
    kinds = [kind.__name__ for link in chain for kind in type(link).__mro__ if kind not in (object, BaseException)]
    statuses = (getattr(link, "status", None) for link in chain)
    status = next((status for status in statuses if isinstance(status, int)), None)
    expected = any(getattr(link, "expected", False) for link in chain)
    return Failure(list(dict.fromkeys(kinds)), str(error)[:_MESSAGE_CHARS], status, bool(expected))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(10):
        if error is None:
            return
        yield error
        wrapped = getattr(error, "exc_info", None)
        inner = wrapped[1] if isinstance(wrapped, tuple) and len(wrapped) > 1 else None
        error = inner or getattr(error, "cause", None) or error.__cause__


def _warm(folders: list[str]) -> None:
    """Do before the job what every job needs."""
    # yt-dlp looks for packages inside a plugin folder; a folder that is such a package itself goes on the path.
    packages = [folder for folder in folders if (Path(folder) / "yt_dlp_plugins").is_dir()]
    sys.path += packages
    plugin_dirs.value = ["default", *(folder for folder in folders if folder not in packages)]
    load_all_plugins()
    for extractor in yt_dlp.extractor.list_extractor_classes():
        # A link that no site's extractor takes is held against 1,800 patterns: compiled once, not in each child.
        with contextlib.suppress(Exception):
            extractor.suitable("http://nowhere.invalid/")
    # What the first request of a process would do: read all certificates, compile 51 forms of a date.
    make_ssl_context = functools.cache(yt_dlp.networking.common.make_ssl_context)
    yt_dlp.networking.common.make_ssl_context = make_ssl_context
    make_ssl_context(verify=True, legacy_support=False, use_certifi=True)
    _strptime._CACHE_MAX_SIZE = 200
    yt_dlp.utils.unified_timestamp("Thu, 01 Jan 1970 00:00:00 GMT")
    _prepared.append(Loader(_parameters(Job(url="", proxy="http://nowhere.invalid/"))))


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
