/** What can be chosen of what is loaded: a quality, a language to hear, words to read. */
import { readPrefs, writePrefs } from "@/lib/prefs";
import type { Store } from "@/lib/store";
import { t } from "@/text";
import type { Subtitle } from "@/wire/wire.gen";
import { Captions, type CueSize } from "./captions";
import type { Engine, Track } from "./engines/engine";
import { kin, soundOf } from "./sounds";
import type { PlayerState } from "./state";

/** Before the address of a subtitle file: what an engine brings has ids of its own. */
const FILE = "file:";

export class Tracks {
  private readonly captions: Captions;
  private engine: Engine | null = null;
  private files: readonly Subtitle[] = [];
  /** A language that was asked for and has not come yet. */
  private awaitedText: string | null = null;
  private awaitedSound: string | null = null;
  private lastRead: string | null = null;

  constructor(
    private readonly state: Store<PlayerState>,
    video: HTMLVideoElement,
  ) {
    this.captions = new Captions(video);
    this.captions.resize(state.get().cueSize);
  }

  /** Other media are loaded. What was chosen before is chosen again as soon as it is there. */
  begin(engine: Engine, files: readonly Subtitle[]): void {
    const { subtitleLanguage, soundLanguage } = readPrefs();
    this.engine = engine;
    this.files = files;
    this.awaitedText = subtitleLanguage;
    this.awaitedSound = soundLanguage;
    this.refresh();
  }

  /** Nothing is loaded. */
  end(): void {
    this.engine = null;
    this.files = [];
    this.captions.end();
    this.captions.shift(0);
  }

  /** The engine has something else to offer. */
  refresh(): void {
    const texts = [...this.files.map(trackOf), ...(this.engine?.texts ?? [])];
    const sounds = this.engine?.sounds ?? [];
    const held = this.state.get();
    this.state.patch({
      choices: this.engine?.choices ?? [],
      choice: this.engine?.choice ?? null,
      texts: isSame(texts, held.texts) ? held.texts : texts,
      sounds: isSame(sounds, held.sounds) ? held.sounds : sounds,
      sound: this.engine?.sound ?? null,
    });
    this.honourLanguages();
  }

  selectQuality(id: string): void {
    const choice = this.state.get().choices.find((each) => each.id === id);
    writePrefs({ wantedHeight: choice?.height ?? null });
    this.engine?.select(id);
  }

  /** Shows one of the state's `texts`, or none. */
  selectSubtitle(id: string | null): void {
    const text = this.state.get().texts.find((each) => each.id === id) ?? null;
    writePrefs({ subtitleLanguage: text?.language ?? null });
    this.awaitedText = null;
    this.lastRead = text?.language ?? this.lastRead;
    this.showText(text);
  }

  /** Off, or the language that was last read, else the first. */
  toggleSubtitles(): void {
    const { texts, subtitle } = this.state.get();
    const wanted = texts.find(({ language }) => language === this.lastRead) ?? texts[0];
    if (subtitle !== null) this.selectSubtitle(null);
    else if (wanted !== undefined) this.selectSubtitle(wanted.id);
  }

  shiftSubtitles(cueShift: number): void {
    this.state.patch({ cueShift });
    this.captions.shift(cueShift);
  }

  resizeSubtitles(cueSize: CueSize): void {
    writePrefs({ cueSize });
    this.state.patch({ cueSize });
    this.captions.resize(cueSize);
  }

  selectSound(id: string): void {
    const sound = this.state.get().sounds.find((each) => each.id === id);
    writePrefs({ soundLanguage: sound?.language ?? null });
    this.awaitedSound = null;
    this.engine?.selectSound?.(id);
  }

  tick(): void {
    this.captions.tick();
  }

  private honourLanguages(): void {
    const { texts, sounds, sound } = this.state.get();
    // Another text is no help to who reads this one.
    const text = this.awaitedText === null ? null : kin(texts, this.awaitedText);
    if (text !== null) {
      this.awaitedText = null;
      this.showText(text);
    }
    if (this.awaitedSound !== null && sounds.length > 0) {
      const wanted = soundOf(sounds, this.awaitedSound);
      this.awaitedSound = null;
      if (wanted !== null && wanted.id !== sound) this.engine?.selectSound?.(wanted.id);
    }
  }

  private showText(text: Track | null): void {
    const file = this.files.find(({ url }) => text?.id === `${FILE}${url}`) ?? null;
    this.engine?.selectText?.(file === null ? (text?.id ?? null) : null);
    this.state.patch({ subtitle: text?.id ?? null, missingText: null });
    this.captions.show(file).catch((error: unknown) => {
      if (isAborted(error) || this.state.get().subtitle !== text?.id) return;
      this.state.patch({ subtitle: null, missingText: text?.label ?? null });
    });
  }
}

function trackOf({ url, label, language, automatic }: Subtitle): Track {
  return {
    id: `${FILE}${url}`,
    language,
    label: automatic && !/auto/i.test(label) ? t.player.automatic(label) : label,
  };
}

function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

function isSame(a: readonly Track[], b: readonly Track[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
