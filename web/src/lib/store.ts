/** A value that can be watched: state comes down from it, requests go up elsewhere. */
import { useCallback, useRef, useSyncExternalStore } from "react";

export interface Readable<T> {
  get(): T;
  subscribe(listener: () => void): () => void;
}

export class Store<T> implements Readable<T> {
  private readonly listeners = new Set<() => void>();
  private value: T;

  constructor(value: T) {
    this.value = value;
  }

  get(): T {
    return this.value;
  }

  set(value: T): void {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const listener of [...this.listeners]) listener();
  }

  /** Changes some fields; nobody is told when none of them differs. */
  patch(change: Partial<T>): void {
    const entries = Object.entries(change) as [keyof T, T[keyof T]][];
    if (entries.every(([key, value]) => Object.is(this.value[key], value))) return;
    this.set({ ...this.value, ...change });
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** The selected part of a store; the component draws again only when that part differs (shallowly). */
export function useStore<T, S>(store: Readable<T>, select: (value: T) => S): S {
  const last = useRef<{ value: S } | null>(null);
  const read = (): S => {
    const value = select(store.get());
    if (last.current !== null && isSame(last.current.value, value)) return last.current.value;
    last.current = { value };
    return value;
  };
  const subscribe = useCallback((listener: () => void) => store.subscribe(listener), [store]);
  return useSyncExternalStore(subscribe, read, read);
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.entries(a);
  const right = b as Record<string, unknown>;
  return left.length === Object.keys(b).length && left.every(([key, value]) => Object.is(value, right[key]));
}
