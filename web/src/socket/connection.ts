/** One room's socket for as long as the page wants it: reconnects, keeps the clock, carries commands once. */
import type { Bases } from "@/lib/bases";
import { uniqueId } from "@/lib/ids";
import { Store } from "@/lib/store";
import { type ClientMessage, type Command, readFrame, type ServerMessage } from "@/wire/frames";
import { backoffMs } from "./backoff";
import type { RoomClock } from "./clock";
import { closing, type EndReason } from "./close";
import { type EarlySocket, socketAddress, takeEarly } from "./early";
import { type IdentifiedCommand, Outbox } from "./outbox";

export type ConnectionState =
  | { readonly kind: "joining" }
  | { readonly kind: "open" }
  | { readonly kind: "reconnecting"; readonly restarting: boolean; readonly attempt: number }
  | { readonly kind: "ended"; readonly reason: EndReason };

export interface ConnectionEvents {
  message(message: ServerMessage): void;
  refused(command: IdentifiedCommand | null, code: string, message: string): void;
  expired(command: IdentifiedCommand): void;
}

// Heartbeats come every 5 s: after two missed ones the line is dead, whatever TCP still believes. Of a lease of 25 s that
// is renewed every 8 s this leaves five to come back in, when a replica hangs.
const SILENCE_MS = 12_000;
// One is enough beside a command that nobody answers: it is still wanted, and a peer may take it.
const UNANSWERED_MS = 6000;
const HANDSHAKE_MS = 10_000;
// While there is somebody else to try.
const HASTY_HANDSHAKE_MS = 4000;
// Five quick samples, two once the page has calmed down, then one now and then.
const SAMPLES_MS = [200, 200, 200, 200, 2000, 5000];
const SAMPLE_MS = 15_000;
// Local clocks that disagree by this much have seen the machine sleep.
const SLEPT_MS = 1_500;

export class RoomConnection {
  readonly state = new Store<ConnectionState>({ kind: "joining" });
  private readonly outbox = new Outbox();
  private readonly timers = new Set<number>();
  private socket: WebSocket | null = null;
  /** The origin that the socket goes to. */
  private base = "";
  private attempt = 0;
  /** How often to try where the socket was before going elsewhere. */
  private again = 1;
  private retryTimer = 0;
  private heardAt = 0;
  private sampleTimer = 0;
  private comeBackMs: number | null = null;
  private wallSkew = Date.now() - performance.now();
  private isDestroyed = false;

  constructor(
    private readonly room: { readonly id: string; readonly name: string },
    private readonly bases: Bases,
    private readonly clock: RoomClock,
    private readonly events: ConnectionEvents,
  ) {
    this.timers.add(window.setInterval(() => this.watch(), 1000));
    window.addEventListener("online", this.hurry);
    document.addEventListener("visibilitychange", this.wake);
  }

  /** Opens the socket. What an early one has heard is told at once, so whatever the events reach must be there. */
  begin(): void {
    this.open();
  }

  /** Sends a command now or when the line is back, once. Answers its id. */
  command(command: Command): string {
    const identified = { ...command, id: uniqueId() };
    this.outbox.add(identified, performance.now());
    this.send(identified);
    return identified.id;
  }

  /** Sends what is worth nothing later. */
  send(message: ClientMessage): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Another Redis history begins at `version`: what it lost is sent again. */
  newRun(version: number, serverTime: number): void {
    this.clock.flush();
    this.clock.hint(serverTime, performance.now() / 1000);
    this.outbox.reopen(version, performance.now());
    for (const command of this.outbox.due(performance.now())) this.send(command);
    this.sampleSoon();
  }

  /** The door was closed; a person knocks again. */
  retry(): void {
    if (this.state.get().kind !== "ended") return;
    this.attempt = 0;
    this.state.set({ kind: "joining" });
    this.open();
  }

  destroy(): void {
    this.isDestroyed = true;
    for (const timer of this.timers) window.clearInterval(timer);
    window.clearTimeout(this.retryTimer);
    window.clearTimeout(this.sampleTimer);
    window.removeEventListener("online", this.hurry);
    document.removeEventListener("visibilitychange", this.wake);
    this.drop();
  }

  private open(): void {
    this.drop();
    this.base = this.bases.candidate(Math.max(0, this.attempt - this.again));
    const address = socketAddress(this.base, this.room.id, this.room.name);
    const early = takeEarly(address);
    const socket = early?.socket ?? new WebSocket(address);
    this.socket = socket;
    this.heardAt = performance.now();
    socket.onopen = () => this.opened();
    socket.onmessage = (event: MessageEvent<unknown>) => this.heard(String(event.data), performance.now());
    socket.onclose = (event) => this.closed(event.code);
    if (early !== null) this.catchUp(early);
  }

  /** Hears what an early socket has heard. */
  private catchUp({ socket, heard, closed }: EarlySocket): void {
    if (socket.readyState === WebSocket.OPEN) this.opened();
    for (const { text, at } of heard) this.heard(text, at);
    if (closed !== null) this.closed(closed);
  }

  private opened(): void {
    this.heardAt = performance.now();
    this.noticeSleep();
    for (const command of this.outbox.due(performance.now())) this.send(command);
    this.sampleSoon();
  }

  /** `received`: by `performance.now()`. */
  private heard(text: string, received: number): void {
    this.heardAt = received;
    let message: ServerMessage | null;
    try {
      message = readFrame(text);
    } catch (error) {
      // The versions will show the gap, if it was one.
      console.warn("A frame did not fit and was left out.", error);
      return;
    }
    if (message !== null) this.take(message, received);
  }

  private take(message: ServerMessage, received: number): void {
    switch (message.type) {
      case "ping":
        this.send({ type: "pong" });
        return;
      case "clock":
        this.clock.sample(message.client_time, received / 1000, message.server_time);
        return;
      case "goodbye":
        this.comeBackMs = message.retry_after_ms;
        return;
      case "ack":
        this.outbox.settle(message.id, message.version, received);
        break;
      case "error":
        this.events.refused(
          message.id === null ? null : (this.outbox.refuse(message.id) ?? null),
          message.code,
          message.message,
        );
        break;
      case "room_state":
        this.attempt = 0;
        // One that is lost may be a line that broke.
        this.again = 1;
        this.comeBackMs = null;
        this.bases.settle(this.base);
        this.stamp(message.server_time, received);
        this.state.set({ kind: "open" });
        break;
      case "heartbeat":
        this.stamp(message.server_time, received);
        break;
    }
    this.events.message(message);
  }

  private stamp(serverTime: number, received: number): void {
    if (this.clock.hint(serverTime, received / 1000)) this.sampleSoon();
  }

  private closed(code: number): void {
    this.socket = null;
    window.clearTimeout(this.sampleTimer);
    if (this.isDestroyed) return;
    const verdict = closing(code);
    if (verdict.kind === "end") {
      this.state.set({ kind: "ended", reason: verdict.reason });
      return;
    }
    const wait = this.comeBackMs ?? backoffMs(this.attempt, Math.random());
    const restarting = verdict.restarting || this.comeBackMs !== null;
    this.comeBackMs = null;
    this.attempt += 1;
    // Until the first snapshot the room is still being joined, however often that takes.
    if (this.state.get().kind !== "joining" || this.attempt > 2) {
      this.state.set({ kind: "reconnecting", restarting, attempt: this.attempt });
    }
    window.clearTimeout(this.retryTimer);
    this.retryTimer = window.setTimeout(() => this.open(), wait);
  }

  /** The network or the person is back: do not sit out the wait. */
  private readonly hurry = (): void => {
    if (this.socket !== null || this.state.get().kind === "ended") return;
    window.clearTimeout(this.retryTimer);
    this.open();
  };

  private readonly wake = (): void => {
    if (document.visibilityState !== "visible") return;
    this.noticeSleep();
    this.hurry();
    this.sampleSoon();
  };

  private watch(): void {
    this.noticeSleep();
    const now = performance.now();
    for (const command of this.outbox.expire(now)) this.events.expired(command);
    if (this.socket === null || now - this.heardAt < this.patience(now)) return;
    // One that is silent takes whatever is sent to it, so going back there costs a handshake's patience.
    this.again = 0;
    this.drop();
    this.closed(4003);
  }

  /** For how long a line may be silent. */
  private patience(now: number): number {
    if (this.state.get().kind !== "open") return this.bases.all.length > 1 ? HASTY_HANDSHAKE_MS : HANDSHAKE_MS;
    return this.outbox.oldest(now) < UNANSWERED_MS ? SILENCE_MS : UNANSWERED_MS;
  }

  private noticeSleep(): void {
    const skew = Date.now() - performance.now();
    const slept = skew - this.wallSkew;
    if (Math.abs(slept) < SLEPT_MS) return;
    this.wallSkew = skew;
    this.outbox.slept(Math.max(0, slept));
    this.clock.flush();
    this.sampleSoon();
  }

  private sampleSoon(count = 0): void {
    window.clearTimeout(this.sampleTimer);
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.send({ type: "clock", client_time: performance.now() / 1000 });
    this.sampleTimer = window.setTimeout(() => this.sampleSoon(count + 1), SAMPLES_MS[count] ?? SAMPLE_MS);
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
  }
}
