"""The command line: what may be said, and what is done about it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from services.common import codec
from services.common.config import CommonSettings, SettingsError, load
from services.common.errors import Refused, WatchTogetherError
from services.operator import bans, cache, cookies, doctor, rooms
from services.operator.answer import EXIT_FAILED, EXIT_USAGE, Answer
from services.operator.place import found
from services.operator.stores import Stores

COMMANDS: Final = ("rooms", "bans", "cache", "cookies", "doctor")
# Refusals of what could not be right anywhere.
_MISUSE: Final = frozenset(("bad_room_id", "bad_url", "refused_target"))


def parser() -> argparse.ArgumentParser:
    """What may be said."""
    top = argparse.ArgumentParser(prog="watch-together", description="For the operator of an installation.")
    commands = top.add_subparsers(dest="command", required=True, metavar="|".join(COMMANDS))
    _rooms(commands.add_parser("rooms", help="list, show and delete rooms"))
    _bans(commands.add_parser("bans", help="who is banned from a room; let them in again"))
    _cache(commands.add_parser("cache", help="what is cached of links and streams; have links opened anew"))
    _cookies(commands.add_parser("cookies", help="whose cookies are kept, of which sites; delete them"))
    _add_json(commands.add_parser("doctor", help="whether Redis, resolver, disk and settings are well"))
    return top


async def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Do what `argv` says. Gives the exit status: 1 for what is not there, fails or can't be reached, 2 for misuse."""
    options = parser().parse_args(argv)
    try:
        settings = load(CommonSettings, found(environ))
    except SettingsError as error:
        if options.command == "doctor":
            return _tell(doctor.misconfigured(error), is_json=options.json)
        return _complain(EXIT_USAGE, *error.problems)
    if not _agreed(options):
        return _complain(EXIT_USAGE, "Nothing was done: say --yes, or y when asked.")
    try:
        async with Stores(settings) as stores:
            if options.command != "doctor":
                await stores.reach()
            answer = await _carried_out(stores, options)
    except SettingsError as error:
        return _complain(EXIT_USAGE, *error.problems)
    except Refused as refusal:
        return _complain(EXIT_USAGE if refusal.code in _MISUSE else EXIT_FAILED, refusal.message)
    except WatchTogetherError as error:
        return _complain(EXIT_FAILED, error.message)
    return _tell(answer, is_json=options.json)


async def _carried_out(stores: Stores, options: argparse.Namespace) -> Answer:
    match options.command, getattr(options, "action", ""):
        case "rooms", "list":
            return await rooms.list_rooms(stores, options.limit)
        case "rooms", "show":
            return await rooms.show(stores, options.room)
        case "rooms", "delete":
            return await rooms.delete(stores, options.room)
        case "bans", "list":
            return await bans.list_bans(stores, options.room)
        case "bans", "lift":
            return await bans.lift(stores, options.room, options.ban)
        case "cache", "list":
            return await cache.list_cache(stores)
        case "cache", "purge" if options.link:
            return await cache.purge_link(stores, options.link)
        case "cache", "purge":
            return await cache.purge(stores, hints=options.all)
        case "cookies", "list":
            return await cookies.list_cookies(stores)
        case "cookies", "delete":
            return await cookies.delete(stores, options.person, options.site)
        case _:
            return await doctor.examine(stores)


def _rooms(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True)
    listing = _add_json(actions.add_parser("list", help="all rooms, last active first"))
    listing.add_argument("--limit", type=_positive, default=50, metavar="N", help="at most so many (50)")
    _add_json(actions.add_parser("show", help="who and what is in a room")).add_argument("room")
    deleting = actions.add_parser("delete", help="send everybody out and keep nothing of a room")
    deleting.add_argument("room")
    _add_yes(deleting, "Delete the room {room}, with its queue, chat and bans")


def _bans(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True)
    _add_json(actions.add_parser("list", help="who is banned from a room")).add_argument("room")
    lifting = actions.add_parser("lift", help="let somebody in again")
    lifting.add_argument("room")
    lifting.add_argument("ban", help="as `bans list` names it")
    _add_yes(lifting, "Lift the ban {ban} of the room {room}")


def _cache(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True)
    _add_json(actions.add_parser("list", help="resolved formats, stream contexts, buckets of proxies"))
    purging = actions.add_parser("purge", help="forget how links are opened; streams that play go on")
    what = purging.add_mutually_exclusive_group(required=True)
    what.add_argument("--link", metavar="URL", help="of one link")
    what.add_argument("--formats", action="store_true", help="of all links")
    what.add_argument("--all", action="store_true", help="and which proxy holds what; files on disks stay")
    _add_yes(purging, "Forget how links are opened")


def _cookies(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True)
    _add_json(actions.add_parser("list", help="persons and sites; never a value"))
    deleting = actions.add_parser("delete", help="delete a person's cookies, and end what they opened")
    deleting.add_argument("person", help="as `cookies list` names them")
    deleting.add_argument("--site", default="", help="of one site only")
    _add_yes(deleting, "Delete the cookies of {person}")


def _add_json(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--json", action="store_true", help="for scripts")
    return command


def _add_yes(command: argparse.ArgumentParser, question: str) -> None:
    _add_json(command).add_argument("--yes", action="store_true", help="do not ask")
    command.set_defaults(question=question)


def _positive(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return count


def _agreed(options: argparse.Namespace) -> bool:
    """Whether it may be done: what deletes asks on a terminal, and wants `--yes` elsewhere."""
    question = getattr(options, "question", "")
    if not question or options.yes:
        return True
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(f"{question.format(**vars(options))}? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _tell(answer: Answer, *, is_json: bool) -> int:
    sys.stdout.write((codec.encode_text(answer.data) if is_json else answer.text) + "\n")
    return answer.status


def _complain(status: int, *problems: str) -> int:
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return status
