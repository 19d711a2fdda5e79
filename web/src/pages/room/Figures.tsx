import { X } from "lucide-react";
import { useEffect, useRef } from "react";
import { bases } from "@/lib/bases";
import { Trail } from "@/room/history";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { IconButton } from "@/ui/IconButton";

const SECONDS = 60;
const TICKS_PER_S = 4;
const RECENT_MS = 30_000;

/** What the player and the clock measure, for whoever wants to know why. Painted without React. */
export function Figures({ session, onClose }: { readonly session: RoomSession; readonly onClose: () => void }) {
  const list = useRef<HTMLDListElement>(null);
  const chart = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    const trail = new Trail(SECONDS * TICKS_PER_S);
    const tiers = new Tiers();
    let drawnAt = 0;
    const paint = () => {
      const now = performance.now();
      // News of the media ticks as well.
      if (now - drawnAt < 900 / TICKS_PER_S) return;
      drawnAt = now;
      trail.add(session.drift());
      draw(chart.current, trail);
      write(list.current, figures(session, tiers));
    };
    paint();
    const stop = session.onTick(paint);
    return () => {
      stop();
      tiers.destroy();
    };
  }, [session]);

  return (
    <section
      aria-label={t.figures.title}
      className="absolute top-3 left-3 z-20 max-h-[calc(100%-1.5rem)] w-[min(320px,calc(100%-1.5rem))] overflow-y-auto rounded-panel border border-line bg-black/80 p-3 text-xs backdrop-blur-sm"
    >
      <div className="flex items-center justify-between">
        <h2 className="font-semibold">{t.figures.title}</h2>
        <IconButton label={t.figures.hide} size="small" onClick={onClose}>
          <X size={15} />
        </IconButton>
      </div>
      <canvas
        ref={chart}
        width={640}
        height={128}
        role="img"
        aria-label={t.figures.chart}
        className="mt-1 h-16 w-full rounded-[6px] bg-white/8"
      />
      <dl ref={list} className="mt-2 grid grid-cols-[auto_1fr] gap-x-4 gap-y-0.5 tabular-nums" />
      <a href="/doctor" target="_blank" rel="noopener" className="mt-1 inline-block py-1.5 text-accent-text underline">
        {t.figures.check}
      </a>
    </section>
  );
}

function draw(canvas: HTMLCanvasElement | null, trail: Trail): void {
  const context = canvas?.getContext("2d");
  if (!canvas || !context) return;
  const { width, height } = canvas;
  const limit = trail.worst > 0.5 ? 3 : trail.worst > 0.15 ? 0.5 : 0.15;
  context.clearRect(0, 0, width, height);
  context.strokeStyle = "rgb(255 255 255 / 0.25)";
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(0, height / 2);
  context.lineTo(width, height / 2);
  context.stroke();
  context.strokeStyle = limit > 0.5 ? "#ff8f86" : "#7ee2a8";
  context.lineWidth = 3;
  context.lineJoin = "round";
  for (const line of trail.lines(width, height, limit)) {
    context.beginPath();
    for (const [x, y] of line) context.lineTo(x, y);
    context.stroke();
  }
  context.fillStyle = "rgb(255 255 255 / 0.8)";
  context.font = "22px sans-serif";
  context.fillText(`± ${limit} s`, 8, 26);
}

/** The monotonic clock counts from when the page was opened; people compare with the one on their wall. */
function aheadOfHere(roomTime: number | null): number | null {
  return roomTime === null ? null : roomTime - Date.now() / 1000;
}

type Row = readonly [string, string];

function figures(session: RoomSession, tiers: Tiers): readonly Row[] {
  const { player, clock } = session;
  const quality = player.element.getVideoPlaybackQuality();
  const { engine, choices, choice } = player.state.get();
  const { videoWidth, videoHeight, playbackRate } = player.element;
  const skew = player.skew;
  const { rows, oneStream, apart, of, oneQuality } = t.figures;
  return [
    [rows.ahead, milliseconds(session.drift())],
    [rows.clock, milliseconds(aheadOfHere(clock.now()))],
    [rows.roundTrip, milliseconds(clock.roundTrip())],
    [rows.loaded, seconds(player.ahead)],
    [rows.skew, skew === null ? oneStream : apart(milliseconds(skew))],
    [rows.speed, `${playbackRate.toFixed(2)}×`],
    [rows.dropped, of(quality.droppedVideoFrames, quality.totalVideoFrames)],
    [rows.picture, `${videoWidth} × ${videoHeight}, ${choices.find(({ id }) => id === choice)?.label ?? oneQuality}`],
    [rows.engine, engine],
    [rows.server, new URL(bases.current.get()).host],
    [rows.cache, tiers.words()],
    [rows.version, String(session.view.get().replica?.version ?? "–")],
  ];
}

/** Where the proxy had the last half minute's pieces from. The browser's own list is full after a few minutes. */
class Tiers {
  private recent: readonly { readonly tier: string; readonly at: number }[] = [];
  private readonly observer = new PerformanceObserver((list) => this.take(list.getEntries()));

  constructor() {
    this.observer.observe({ type: "resource", buffered: true });
  }

  words(): string {
    const since = performance.now() - RECENT_MS;
    this.recent = this.recent.filter(({ at }) => at >= since);
    const counts = new Map<string, number>();
    for (const { tier } of this.recent) counts.set(tier, (counts.get(tier) ?? 0) + 1);
    return [...counts].map(([tier, count]) => `${tier} ${count}`).join(", ") || "–";
  }

  destroy(): void {
    this.observer.disconnect();
  }

  private take(entries: PerformanceEntryList): void {
    for (const entry of entries as PerformanceResourceTiming[]) {
      const tier = entry.serverTiming?.find(({ name }) => name === "cache")?.description;
      if (tier && entry.name.includes("/api/proxy")) this.recent = [...this.recent, { tier, at: entry.responseEnd }];
    }
  }
}

function write(list: HTMLDListElement | null, rows: readonly Row[]): void {
  if (list === null) return;
  if (list.childElementCount !== rows.length * 2) {
    list.replaceChildren(
      ...rows.flatMap(() => {
        const name = document.createElement("dt");
        name.className = "text-dim";
        const value = document.createElement("dd");
        value.className = "truncate text-right";
        return [name, value];
      }),
    );
  }
  rows.forEach(([name, value], place) => {
    const [left, right] = [list.children[2 * place], list.children[2 * place + 1]];
    if (left) left.textContent = name;
    if (right) right.textContent = value;
  });
}

function milliseconds(value: number | null): string {
  return value === null ? "–" : `${Math.round(value * 1000)} ms`;
}

function seconds(value: number | null): string {
  return value === null ? "–" : `${value.toFixed(2)} s`;
}
