import { describe, expect, it } from "vitest";
import type { QueueItem } from "@/wire/wire.gen";
import type { Replica } from "./replica";
import { NOTHING, type RoomView, upNext } from "./view";

const item = (id: string, status: QueueItem["status"] = "ready") => ({ id, status }) as QueueItem;
const viewOf = (itemId: string | null, queue: readonly QueueItem[]): RoomView => ({
  ...NOTHING,
  queue,
  replica: { itemId } as Replica,
});

describe("what is next", () => {
  it("is behind what plays, past what could not be opened", () => {
    const queue = [item("a"), item("b"), item("c", "failed"), item("d", "resolving")];
    expect(upNext(viewOf("a", queue))?.id).toBe("b");
    expect(upNext(viewOf("b", queue))?.id).toBe("d");
    expect(upNext(viewOf("d", queue))).toBeNull();
  });

  it("is the first where nothing plays, and nothing in an empty room", () => {
    expect(upNext(viewOf(null, [item("a")]))?.id).toBe("a");
    expect(upNext(NOTHING)).toBeNull();
  });
});
