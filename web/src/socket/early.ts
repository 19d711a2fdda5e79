/** A room's socket, opened while most of the page is still on its way. What it hears is kept for who takes it over. */

/** Where a room's socket is at a server's origin. */
export function socketAddress(base: string, roomId: string, name: string): string {
  // ws: is to http: what wss: is to https:.
  const origin = base.replace(/^http/, "ws");
  return `${origin}/ws/${encodeURIComponent(roomId)}?name=${encodeURIComponent(name)}`;
}

export interface Heard {
  readonly text: string;
  /** By `performance.now()`. */
  readonly at: number;
}

/** A page that is not there by then does not come. */
const UNWANTED_MS = 15_000;

export class EarlySocket {
  readonly socket: WebSocket;
  readonly heard: Heard[] = [];
  /** The close code, once it is closed. */
  closed: number | null = null;
  private readonly timer: number;

  constructor(readonly address: string) {
    this.socket = new WebSocket(address);
    this.socket.onmessage = ({ data }) => this.heard.push({ text: String(data), at: performance.now() });
    this.socket.onclose = ({ code }) => {
      this.closed = code;
    };
    this.timer = window.setTimeout(() => this.socket.close(1000), UNWANTED_MS);
  }

  /** It is somebody else's now, who listens to it. */
  release(): void {
    window.clearTimeout(this.timer);
  }
}

let waiting: EarlySocket | null = null;

export function openEarly(roomId: string, name: string): void {
  waiting = new EarlySocket(socketAddress(location.origin, roomId, name));
}

/** The early socket of an address, once. */
export function takeEarly(address: string): EarlySocket | null {
  if (waiting?.address !== address) return null;
  const taken = waiting;
  waiting = null;
  taken.release();
  return taken;
}
