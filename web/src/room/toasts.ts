import { Store } from "@/lib/store";

export interface Toast {
  readonly key: number;
  readonly text: string;
  readonly tone: "plain" | "problem";
  readonly action: { readonly label: string; readonly run: () => void } | null;
}

const SHOWN_MS = 6000;
const MOST = 3;

/** Short words that go away by themselves. */
export class Toasts {
  readonly store = new Store<readonly Toast[]>([]);
  private readonly timers = new Map<number, number>();
  private next = 1;

  show(text: string, options: Partial<Pick<Toast, "tone" | "action">> = {}): void {
    const toast: Toast = { key: this.next, text, tone: options.tone ?? "plain", action: options.action ?? null };
    this.next += 1;
    const others = this.store.get().filter((each) => each.text !== text);
    this.store.set([...others, toast].slice(-MOST));
    this.timers.set(
      toast.key,
      window.setTimeout(() => this.dismiss(toast.key), SHOWN_MS),
    );
  }

  dismiss(key: number): void {
    window.clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    this.store.set(this.store.get().filter((toast) => toast.key !== key));
  }

  destroy(): void {
    for (const timer of this.timers.values()) window.clearTimeout(timer);
    this.timers.clear();
  }
}
