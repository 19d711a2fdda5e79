/** What the keys do: one table for the keyboard and for the help. */
import { chapterStep } from "@/player/preview";
import type { Text } from "@/text";
import type { RoomSession } from "./session";
import { upNext } from "./view";

export interface KeyLayout {
  toggleTheatre(): void;
  toggleFullscreen(): void;
  toggleHelp(): void;
  toggleDiagnostics(): void;
}

interface Key {
  /** As `KeyboardEvent.key`; letters stand for both cases. */
  readonly keys: readonly string[];
  /** For the help. */
  readonly name: keyof Text["keys"]["table"];
  readonly press: (session: RoomSession, layout: KeyLayout, key: string) => void;
}

const VOLUME_STEP = 0.05;
export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2] as const;

export const KEYS: readonly Key[] = [
  { keys: [" ", "k"], name: "togglePlay", press: (session) => session.togglePlay() },
  {
    keys: ["ArrowLeft", "ArrowRight"],
    name: "skip5",
    press: (session, _layout, key) => session.skip(key === "ArrowLeft" ? -5 : 5),
  },
  {
    keys: ["j", "l"],
    name: "skip10",
    press: (session, _layout, key) => session.skip(key === "j" ? -10 : 10),
  },
  {
    keys: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    name: "tenths",
    press: (session, _layout, key) => session.seekShare(Number(key) / 10),
  },
  {
    keys: ["{", "}"],
    name: "chapters",
    press: (session, _layout, key) => {
      const chapters = session.view.get().replica?.video?.chapters ?? [];
      const target = chapterStep(chapters, session.position(), key === "{" ? -1 : 1);
      if (target !== null) session.seek(target);
    },
  },
  {
    keys: ["N"],
    name: "next",
    press: ({ view, queue }) => {
      const next = upNext(view.get());
      if (next !== null) queue.playNow(next);
    },
  },
  {
    keys: ["<", ">"],
    name: "rate",
    press: (session, _layout, key) => session.setRate(nextRate(session.view.get().anchor.rate, key === "<" ? -1 : 1)),
  },
  {
    keys: ["ArrowUp", "ArrowDown"],
    name: "volume",
    press: (session, _layout, key) => {
      const { speaker, state } = session.player;
      const step = key === "ArrowUp" ? VOLUME_STEP : -VOLUME_STEP;
      const volume = Math.min(1, Math.max(0, state.get().volume + step));
      speaker.setVolume(volume);
      session.flash({ kind: "volume", text: `${Math.round(volume * 100)} %` });
    },
  },
  {
    keys: ["m"],
    name: "mute",
    press: ({ player }) => player.speaker.setMuted(!player.state.get().isMuted),
  },
  { keys: ["c"], name: "subtitles", press: ({ player }) => player.tracks.toggleSubtitles() },
  { keys: ["f"], name: "fullScreen", press: (_session, layout) => layout.toggleFullscreen() },
  { keys: ["t"], name: "theatre", press: (_session, layout) => layout.toggleTheatre() },
  {
    keys: ["p"],
    name: "pictureInPicture",
    press: ({ player }) => void player.togglePictureInPicture().catch(() => undefined),
  },
  {
    keys: ["D"],
    name: "figures",
    press: (_session, layout) => layout.toggleDiagnostics(),
  },
  { keys: ["?"], name: "help", press: (_session, layout) => layout.toggleHelp() },
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
