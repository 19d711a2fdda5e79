/** Who is banned from the room, while somebody looks who may know. */
import { ApiError, listBans } from "@/lib/api";
import { Store } from "@/lib/store";
import { t } from "@/text";
import type { ServerMessage } from "@/wire/frames";
import type { Banned } from "@/wire/wire.gen";

export interface BansView {
  /** The last one first; null until they are known. */
  readonly bans: readonly Banned[] | null;
  readonly problem: string | null;
}

const UNKNOWN: BansView = { bans: null, problem: null };

export class Bans {
  readonly view = new Store<BansView>(UNKNOWN);
  private isWatched = false;
  private asked = 0;

  constructor(
    private readonly roomId: string,
    private readonly send: (ban: string) => void,
  ) {}

  /** Reads the list, and again whenever it changes, until `close`. */
  open(): void {
    this.isWatched = true;
    void this.read();
  }

  close(): void {
    this.isWatched = false;
    this.asked += 1;
    this.view.set(UNKNOWN);
  }

  /** Lets somebody in again. They are gone from the list at once, and back in it where the room says no. */
  lift(ban: string): void {
    const { bans } = this.view.get();
    this.view.patch({ bans: bans?.filter(({ id }) => id !== ban) ?? null });
    this.send(ban);
  }

  /** What comes from the room may be about bans; a snapshot may hide that something was. */
  heard(message: ServerMessage): void {
    const isNews =
      message.type === "unbanned" ||
      message.type === "room_state" ||
      (message.type === "member_left" && message.reason === "banned");
    if (isNews) void this.read();
  }

  async read(): Promise<void> {
    if (!this.isWatched) return;
    this.asked += 1;
    const turn = this.asked;
    try {
      const { bans } = await listBans(this.roomId);
      if (turn === this.asked) this.view.set({ bans, problem: null });
    } catch (error) {
      const problem = error instanceof ApiError ? error.message : t.common.didNotWork;
      if (turn === this.asked) this.view.patch({ problem });
    }
  }
}
