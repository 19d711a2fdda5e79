"""Every Redis key and channel, once. `{room}` is a hash tag, so that a room's keys share a Cluster slot."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NewType

RoomId = NewType("RoomId", str)
MemberId = NewType("MemberId", str)
ItemId = NewType("ItemId", str)
ConnectionId = NewType("ConnectionId", str)

# What the member id of somebody without a verified identity begins with.
GUEST_PREFIX: Final = "guest-"
ROOM_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_room_id(text: str) -> bool:
    """Whether `text` is a room id: 1 to 64 letters, digits, `-` or `_`."""
    return ROOM_ID.fullmatch(text) is not None


def url_digest(url: str) -> str:
    """The 32 hexadecimal digits under which a page URL's formats and flights are kept."""
    return hashlib.blake2b(url.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Keys:
    """The keyspace under one prefix (`WT_KEY_PREFIX`, default `wt`; tests take one each)."""

    prefix: str = "wt"

    # Rooms: WT_REDIS_URL. Written by the room scripts only. TTL: 30 days, renewed by every write.

    def room(self, room: str) -> str:
        """Hash: version, current item and video, anchor, rate, settings, owner, created and last active."""
        return f"{self.prefix}:room:{{{room}}}"

    def queue(self, room: str) -> str:
        """List: item ids in playing order, the current item first."""
        return f"{self.room(room)}:queue"

    def items(self, room: str) -> str:
        """Hash: item id to the item's JSON."""
        return f"{self.room(room)}:items"

    def members(self, room: str) -> str:
        """Hash: member id to `{name, is_guest, joined_at}`."""
        return f"{self.room(room)}:members"

    def connections(self, room: str) -> str:
        """Hash: connection id to `{member, replica}`."""
        return f"{self.room(room)}:conn"

    def presence(self, room: str) -> str:
        """Sorted set: connection id by the end of its lease (room clock, ms)."""
        return f"{self.room(room)}:presence"

    def done(self, room: str) -> str:
        """Sorted set: `member|command id` by the version it was answered with, or when; 2 minutes at least."""
        return f"{self.room(room)}:done"

    def log(self, room: str) -> str:
        """Stream: the last 256 events, for catching up; 10 minutes."""
        return f"{self.room(room)}:log"

    def bans(self, room: str) -> str:
        """Hash: banned member id, or `address:<hash>`, to who banned them, when, and the ids of its bans."""
        return f"{self.room(room)}:bans"

    def chat(self, room: str) -> str:
        """Stream: the last 200 messages."""
        return f"{self.room(room)}:chat"

    def roles(self, room: str) -> str:
        """Hash: member id to `moderator` or `viewer`, kept while they are away."""
        return f"{self.room(room)}:roles"

    def granted(self, room: str) -> str:
        """Set: member ids that gave the room's password."""
        return f"{self.room(room)}:granted"

    def pace(self, room: str) -> str:
        """Hash: replica to `slowest round trip in ms:until when that holds`; 30 s."""
        return f"{self.room(room)}:pace"

    def room_keys(self, room: str) -> tuple[str, ...]:
        """KEYS of every room script, in the order `prelude.lua` names them."""
        return _room_keys(self, room)

    def events(self, room: str) -> str:
        """Channel: every event of the room, encoded once by the script that made it."""
        return f"{self.room(room)}:events"

    def rooms(self) -> str:
        """Sorted set: listed room ids by last activity (ms). A hint, healed by the sweep."""
        return f"{self.prefix}:rooms"

    def rooms_due(self) -> str:
        """Sorted set: room ids by their earliest lease end (ms). A hint: `reap` checks again."""
        return f"{self.prefix}:rooms:due"

    def probe(self, replica: str) -> str:
        """Channel: a replica's messages to itself, by which it notices a deaf subscription."""
        return f"{self.prefix}:probe:{replica}"

    def address_keys(self) -> str:
        """List: what addresses are hashed under for bans, each sealed. Written by sync; kept for good."""
        return f"{self.prefix}:address-keys"

    def cookies(self, member: str) -> str:
        """Hash: one person's cookies by site, each encrypted, and an encrypted index. TTL: 30 days from last use."""
        return f"{self.prefix}:cookies:{member}"

    def pairing(self, digest: str) -> str:
        """String: whom a pairing code belongs to, by the code's digest. Written by the gateway; 5 minutes, one use."""
        return f"{self.prefix}:pair:{digest}"

    def browsers(self, member: str) -> str:
        """Hash: digest of a token to the paired browser it was given to, as JSON. TTL: 180 days from last use."""
        return f"{self.prefix}:token:{member}"

    def playlists(self, member: str) -> str:
        """Hash: a person's playlists by id, each as JSON. TTL: a year from the last change."""
        return f"{self.prefix}:user:{{{member}}}:playlists"

    def history(self, member: str) -> str:
        """Sorted set: entries of a person's watch history by when they were last watched (ms). TTL: as `watched`."""
        return f"{self.prefix}:user:{{{member}}}:history"

    def watched(self, member: str) -> str:
        """Hash: those entries as JSON. TTL: a year from the last of them."""
        return f"{self.history(member)}:entries"

    def forgetful(self, member: str) -> str:
        """String: this person keeps no watch history. TTL: a year."""
        return f"{self.history(member)}:off"

    # Jobs and caches: WT_JOBS_REDIS_URL.

    def format(self, digest: str, scope: str) -> str:
        """String: resolved formats, or the error, as JSON. Scope: `public` or whose cookies, for whom. TTL <= 2 h."""
        return f"{self.prefix}:format:{digest}:{scope}"

    def waiters(self, digest: str, scope: str) -> str:
        """Set: items that a flight's result must enter, each with what is tried after it, as JSON. TTL 10 min."""
        return f"{self.prefix}:waiters:{digest}:{scope}"

    def players(self, digest: str, scope: str) -> str:
        """Set: items that have a flight's result, as JSON of their waiters: they get what replaces it. TTL 3 h."""
        return f"{self.prefix}:players:{digest}:{scope}"

    def loan(self, scope: str) -> str:
        """String: the cookies that streams of one scope are fetched with, encrypted. TTL: as its streams'."""
        return f"{self.prefix}:loan:{scope}"

    def loans(self, member: str) -> str:
        """Sorted set: what one person's cookies opened, `scope|site+site|room/item`, by its end (Unix seconds)."""
        return f"{self.prefix}:loans:{member}"

    def wanted(self, digest: str, scope: str) -> str:
        """String: somebody waits for a flight over REST at this moment. TTL 5 s, renewed while they wait."""
        return f"{self.prefix}:wanted:{digest}:{scope}"

    def renewed(self, digest: str, scope: str) -> str:
        """String: a page was opened again for a stream that its upstream refused. TTL 30 s."""
        return f"{self.prefix}:renewed:{digest}:{scope}"

    def resolve(self, digest: str) -> str:
        """Channel: stages and completion of one flight."""
        return f"{self.prefix}:resolve:{digest}"

    def stream(self, context: str) -> str:
        """String: one stream context, encrypted (see `contexts`). TTL: 48 h, as long as the URLs that name it."""
        return f"{self.prefix}:stream:{context}"

    def dates(self, name: str) -> str:
        """Sorted set: numbers of segments by the dates (Unix ms) given to them, of a stream or a playlist; 1 h."""
        return f"{self.prefix}:dates:{name}"

    def playback(self) -> str:
        """Channel: where rooms are in their streams (`playback`), from sync to proxies."""
        return f"{self.prefix}:playback"

    def proxy_nodes(self) -> str:
        """Sorted set: `id address egress` of each proxy by the end of its lease (Redis' clock, ms)."""
        return f"{self.prefix}:proxy:nodes"

    def bucket(self, digest: str) -> str:
        """Hash: an object's bucket number to `fence generation node` of its holder; `fence`: the last token. 7 days."""
        return f"{self.prefix}:bucket:{digest}"

    def bucket_fill(self, digest: str, number: int) -> str:
        """String: the node that fetches a bucket; 15 s."""
        return f"{self.prefix}:bucket:{digest}:{number}:fill"

    def bucket_lru(self, node: str) -> str:
        """Sorted set: file names of a node's buckets by their last use (Unix s). Written by the node in batches."""
        return f"{self.prefix}:bucket:lru:{node}"

    def jobs(self) -> str:
        """arq's queue (sorted set) of resolve jobs."""
        return f"{self.prefix}:jobs"

    def worker_health(self, worker: str) -> str:
        """String: one resolver worker's sign of life; seconds."""
        return f"{self.prefix}:worker:{worker}"

    def vitals(self) -> str:
        """Hash: resolver worker to what it tells of itself. Those without a vital sign are removed by the reader."""
        return f"{self.prefix}:vitals"

    def vital_sign(self, worker: str) -> str:
        """String: a worker has told of itself. TTL 20 s."""
        return f"{self.prefix}:vitals:{worker}"

    def site(self, digest: str) -> str:
        """String: whether a site is left alone, by its name's digest, as JSON. Written by the workers; 1 h."""
        return f"{self.prefix}:site:{digest}"

    def extractor(self, digest: str) -> str:
        """String: which extractor took links of a host last, by the host's digest; 1 day."""
        return f"{self.prefix}:extractor:{digest}"

    def limit(self, what: str, who: str) -> str:
        """Token bucket of one limit for one identity or address; seconds."""
        return f"{self.prefix}:limit:{what}:{who}"


# Made for every command of a room otherwise.
@lru_cache(maxsize=4096)
def _room_keys(keys: Keys, room: str) -> tuple[str, ...]:
    return (
        keys.room(room),
        keys.queue(room),
        keys.items(room),
        keys.members(room),
        keys.connections(room),
        keys.presence(room),
        keys.done(room),
        keys.log(room),
        keys.bans(room),
        keys.chat(room),
        keys.roles(room),
        keys.granted(room),
        keys.pace(room),
    )
