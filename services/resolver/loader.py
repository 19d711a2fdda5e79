"""yt-dlp as it is set up here: what it is told, and what is done before a job comes."""

from __future__ import annotations

import _strptime  # type: ignore[import-not-found]
import contextlib
import functools
import sys
from pathlib import Path
from typing import Any, Final

import yt_dlp
import yt_dlp.extractor.generic
import yt_dlp.extractor.youtube
import yt_dlp.networking.common
from msgspec import Struct
from yt_dlp.globals import plugin_dirs
from yt_dlp.plugins import load_all_plugins

from services.resolver.info import MAX_ENTRIES

FORMAT: Final = "bestvideo*+bestaudio/best"
SOCKET_TIMEOUT_S: Final = 15


class Job(Struct, kw_only=True, frozen=True):
    """What to extract and how. `node` is Node's path, `pot_url` the PO-token provider's; '' for none."""

    url: str
    proxy: str
    node: str = ""
    pot_url: str = ""
    cookies: str = ""


class Silence:
    """yt-dlp's logger: what it says is in the exception too."""

    def debug(self, message: str) -> None: ...

    def warning(self, message: str) -> None: ...

    def error(self, message: str) -> None: ...


class Loader(yt_dlp.YoutubeDL):  # type: ignore[misc]  # yt-dlp is untyped
    """yt-dlp without the tables that it draws of every result in case a command line asked for them."""

    def _forceprint(self, key: str, info_dict: dict[str, Any]) -> None: ...


_prepared: list[Loader] = []


def loader_for(job: Job) -> Loader:
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


def warm(folders: list[str]) -> None:
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
