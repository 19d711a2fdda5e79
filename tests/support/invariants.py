"""What must hold of viewers of one room, whatever happened to the network, the replicas and Redis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, pairwise

from tests.support.picture import Link, differences
from tests.support.viewer import Viewer


def broken_promises(viewers: Iterable[Viewer]) -> list[str]:
    """What the server did against its rules, as sentences: bad order, wrong snapshots, answers that changed."""
    viewers = list(viewers)
    found = [f"{viewer.name}: {fault}" for viewer in viewers for fault in viewer.picture.faults]
    for viewer in viewers:
        found += [f"{viewer.name}: {fault}" for fault in _chain_faults(viewer.picture.chain)]
        for command in viewer.box.done:
            if len(set(command.acks)) > 1:
                found.append(f"{viewer.name}: {command.kind} was acknowledged as {command.acks}")
    for one, other in combinations(viewers, 2):
        found += [f"{one.name} and {other.name}: {fault}" for fault in _order_faults(one, other)]
    return found


def divergence(viewers: Sequence[Viewer]) -> list[str]:
    """What live viewers of a room at rest disagree on, as sentences. Every one must be live."""
    found = [f"{viewer.name} is not live" for viewer in viewers if not viewer.is_live]
    first = viewers[0]
    for other in viewers[1:]:
        if other.picture.version != first.picture.version:
            found.append(f"{other.name} is at {other.picture.version}, {first.name} at {first.picture.version}")
        else:
            now = max(first.picture.at, other.picture.at) + 1
            found += [f"{other.name}: {text}" for text in differences(other.picture, first.picture, now)]
    return found


def _chain_faults(chain: Sequence[Link]) -> list[str]:
    return [
        f"{after.kind} {after.version} came after {before.version}"
        for before, after in pairwise(chain)
        if after.version <= before.version and not after.by_snapshot
    ]


def _order_faults(one: Viewer, other: Viewer) -> list[str]:
    theirs = {link.version: link for link in other.picture.chain if not link.by_snapshot}
    return [
        f"{link.version} is {link.kind} here and {theirs[link.version].kind} there"
        for link in one.picture.chain
        if not link.by_snapshot and link.version in theirs and theirs[link.version].digest != link.digest
    ]
