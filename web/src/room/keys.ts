/** What the keys do: one table for the keyboard and for the help. */
import { chapterStep } from "@/player/preview";
import type { RoomSession } from "./session";

export interface KeyLayout {
  toggleTheatre(): void;
  toggleFullscreen(): void;
  toggleHelp(): void;
  toggleDiagnostics(): void;
}

interface Key {
  /** As `KeyboardEvent.key`; letters stand for both cases. */
  readonly keys: readonly string[];
  /** For the help; keys without are told with another. */
  readonly shown?: string;
  readonly text?: string;
  readonly press: (session: RoomSession, layout: KeyLayout, key: string) => void;
}

const VOLUME_STEP = 0.05;
export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2] as const;

export const KEYS: readonly Key[] = [
  { keys: [" ", "k"], shown: "Space, K", text: "Play or pause", press: (session) => session.togglePlay() },
  {
    keys: ["ArrowLeft", "ArrowRight"],
    shown: "← →",
    text: "5 seconds back or on",
    press: (session, _layout, key) => session.skip(key === "ArrowLeft" ? -5 : 5),
  },
  {
    keys: ["j", "l"],
    shown: "J, L",
    text: "10 seconds back or on",
    press: (session, _layout, key) => session.skip(key === "j" ? -10 : 10),
  },
  {
    keys: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    shown: "0 – 9",
    text: "Tenths of the video",
    press: (session, _layout, key) => {
      const duration = session.duration();
      if (duration !== null) session.seek((duration * Number(key)) / 10);
    },
  },
  {
    keys: ["{", "}"],
    shown: "{ }",
    text: "The chapter before or after",
    press: (session, _layout, key) => {
      const chapters = session.view.get().replica?.video?.chapters ?? [];
      const target = chapterStep(chapters, session.position(), key === "{" ? -1 : 1);
      if (target !== null) session.seek(target);
    },
  },
  {
    keys: ["<", ">"],
    shown: "< >",
    text: "Slower or faster, for everyone",
    press: (session, _layout, key) => session.setRate(nextRate(session.view.get().anchor.rate, key === "<" ? -1 : 1)),
  },
  {
    keys: ["ArrowUp", "ArrowDown"],
    shown: "↑ ↓",
    text: "Louder or quieter",
    press: ({ player }, _layout, key) => {
      const step = key === "ArrowUp" ? VOLUME_STEP : -VOLUME_STEP;
      player.setVolume(Math.min(1, Math.max(0, player.state.get().volume + step)));
    },
  },
  {
    keys: ["m"],
    shown: "M",
    text: "Sound off or on",
    press: ({ player }) => player.setMuted(!player.state.get().isMuted),
  },
  { keys: ["c"], shown: "C", text: "Subtitles off or on", press: ({ player }) => player.toggleSubtitles() },
  { keys: ["f"], shown: "F", text: "Full screen", press: (_session, layout) => layout.toggleFullscreen() },
  { keys: ["t"], shown: "T", text: "Theatre mode", press: (_session, layout) => layout.toggleTheatre() },
  {
    keys: ["p"],
    shown: "P",
    text: "Picture in picture",
    press: ({ player }) => void player.togglePictureInPicture().catch(() => undefined),
  },
  {
    keys: ["D"],
    shown: "Shift D",
    text: "Figures about playback",
    press: (_session, layout) => layout.toggleDiagnostics(),
  },
  { keys: ["?"], shown: "?", text: "This help", press: (_session, layout) => layout.toggleHelp() },
];

/** The key's entry; exact first, so that `D` is not `d`. */
export function keyOf(key: string): Key | null {
  const find = (wanted: string) => KEYS.find(({ keys }) => keys.includes(wanted));
  return find(key) ?? (/^[A-Z]$/.test(key) ? find(key.toLowerCase()) : undefined) ?? null;
}

export function nextRate(rate: number, step: -1 | 1): number {
  const found = step > 0 ? RATES.find((each) => each > rate + 0.01) : RATES.findLast((each) => each < rate - 0.01);
  return found ?? rate;
}
