import { Store } from "@/lib/store";

export interface Toast {
  readonly key: number;
  readonly text: string;
  readonly tone: "plain" | "problem";
  readonly action: { readonly label: string; readonly run: () => void } | null;
}

const SHOWN_MS = 6000;
/** What somebody was reading goes this long after they looked away. */
const AFTERWARDS_MS = 2000;
const MOST = 3;

/** Short words that go away by themselves. */
export class Toasts {
  readonly store = new Store<readonly Toast[]>([]);
  private readonly timers = new Map<number, number>();
  private next = 1;
  private isHeld = false;

  show(text: string, options: Partial<Pick<Toast, "tone" | "action">> = {}): void {
    const toast: Toast = { key: this.next, text, tone: options.tone ?? "plain", action: options.action ?? null };
    this.next += 1;
    const others = this.store.get().filter((each) => each.text !== text);
    this.store.set([...others, toast].slice(-MOST));
    if (!this.isHeld) this.dismissAfter(toast.key, SHOWN_MS);
  }

  /** While somebody points at them, or has the focus among them, none goes by itself. */
  hold(isHeld: boolean): void {
    if (isHeld === this.isHeld) return;
    this.isHeld = isHeld;
    for (const timer of this.timers.values()) window.clearTimeout(timer);
    this.timers.clear();
    if (!isHeld) for (const { key } of this.store.get()) this.dismissAfter(key, AFTERWARDS_MS);
  }

  dismiss(key: number): void {
    window.clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    this.store.set(this.store.get().filter((toast) => toast.key !== key));
    // Whatever held it went with it, and says nothing any more.
    if (this.store.get().length === 0) this.isHeld = false;
  }

  destroy(): void {
    for (const timer of this.timers.values()) window.clearTimeout(timer);
    this.timers.clear();
  }

  private dismissAfter(key: number, ms: number): void {
    this.timers.set(
      key,
      window.setTimeout(() => this.dismiss(key), ms),
    );
  }
}
