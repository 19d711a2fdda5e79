from services.common import codec
from services.common.identity import Identity
from services.common.keys import MemberId
from services.common.room.snapshot import RoomRecord
from services.common.wire.models import QueueItem
from services.sync import metrics
from services.sync.connection import Connection
from services.sync.hosted import HostedRoom
from services.sync.limits import Limits
from services.sync.outbox import MOST_FRAMES, Mark
from services.sync.veil import Veil

MANY = 500


def removal(number: int) -> bytes:
    event = {
        "version": number + 2, "prev": number + 1, "run": "r", "server_time": 100.0, "type": "queue_update",
        "by": "guest-1", "op": "remove", "item_id": f"i{number}", "index": 0, "item": None,
    }  # fmt: skip
    return codec.encode(event)


async def test_of_hundreds_of_changes_at_once_as_many_are_told_as_a_socket_takes_and_then_the_whole() -> None:
    items = {f"i{number}": QueueItem(id=f"i{number}", url="http://x", title="x") for number in range(MANY)}
    room = HostedRoom(RoomRecord("film", version=1, run="r", items=items, order=list(items)), Veil(str))
    room.pending = None
    ana = Identity(MemberId("guest-1"), "Ana", is_guest=True)
    connection = Connection(id="c1", room="film", identity=ana, limits=Limits(), transport=None, heard_at=0)
    room.connections.add(connection)
    before = metrics.FRAMES.total()
    assert {room.receive(removal(number)) for number in range(MANY)} == {"applied"}
    assert metrics.FRAMES.total() - before <= MOST_FRAMES + 1
    assert await connection.outbox.take() is Mark.SNAPSHOT
    assert (room.record.order, room.record.version) == ([], MANY + 1)
    assert '"queue":[]' in room.state_for(connection, 100.0)
