/** What must work for a room to work, tried one by one. Each check answers in one line. */
import { learnPeers } from "@/lib/api";
import { bases } from "@/lib/bases";
import { readAbilities, waysOf } from "@/player/abilities";
import { type Text, t } from "@/text";

export type CheckName = keyof Text["doctor"]["checks"];

export interface Finding {
  readonly name: CheckName;
  readonly isGood: boolean;
  readonly text: string;
}

type Check = () => Promise<Omit<Finding, "name">>;

const WAIT_MS = 6000;
const REPLICA_MS = 4000;
const BAD_ROOM_ID = 4500;

export const CHECKS: readonly (readonly [CheckName, Check])[] = [
  ["server", server],
  ["clock", clock],
  ["headers", headers],
  ["socket", socket],
  ["replicas", replicas],
  ["proxy", proxy],
  ["ranges", ranges],
  ["autoplay", autoplay],
  ["streams", streams],
  ["codecs", codecs],
  ["browser", browser],
];

/** Runs a check; what goes wrong in it is its finding. */
export async function run(name: CheckName, check: Check): Promise<Finding> {
  try {
    return { name, ...(await within(check())) };
  } catch (error) {
    return { name, isGood: false, text: error instanceof Error ? error.message : String(error) };
  }
}

/** Plain text to paste into a report. */
export function report(findings: readonly Finding[]): string {
  const { checks } = t.doctor;
  const width = Math.max(...findings.map(({ name }) => checks[name].length));
  return findings
    .map(({ name, isGood, text }) => `${isGood ? "ok  " : "BAD "} ${checks[name].padEnd(width)}  ${text}`)
    .join("\n");
}

interface Told {
  readonly version: string;
  readonly time: number;
  readonly scheme: string;
  readonly host: string;
  readonly address: string;
  readonly is_proxied: boolean;
}

async function told(): Promise<Told & { readonly roundTripMs: number; readonly receivedAt: number }> {
  const from = performance.now();
  const answer = await fetch("/api/doctor", { cache: "no-store" });
  if (!answer.ok) throw new Error(t.doctor.answers(answer.status));
  const body = (await answer.json()) as Told;
  return { ...body, roundTripMs: performance.now() - from, receivedAt: Date.now() };
}

async function server(): Promise<Omit<Finding, "name">> {
  const { version, roundTripMs } = await told();
  return { isGood: true, text: t.doctor.version(version, Math.round(roundTripMs)) };
}

async function clock(): Promise<Omit<Finding, "name">> {
  const samples = [await told(), await told(), await told()];
  const best = samples.reduce((a, b) => (a.roundTripMs <= b.roundTripMs ? a : b));
  const off = Math.round(best.receivedAt - best.roundTripMs / 2 - best.time * 1000);
  // Rooms keep a clock of their own; a wrong one here disturbs signatures and certificates.
  return { isGood: Math.abs(off) < 60_000, text: t.doctor.clockAhead(off) };
}

async function headers(): Promise<Omit<Finding, "name">> {
  const { scheme, host, address, is_proxied } = await told();
  const isGood = `${scheme}:` === location.protocol && host === location.host;
  const way = is_proxied ? t.doctor.throughProxy : t.doctor.directly;
  return { isGood, text: t.doctor.reached(way, `${scheme}://${host}`, address, location.origin) };
}

function socket(): Promise<Omit<Finding, "name">> {
  return new Promise((answer, refuse) => {
    const from = performance.now();
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    // A name that no room can have: it is let in, told so, and closed.
    const opened = new WebSocket(`${scheme}//${location.host}/ws/not%20a%20room`);
    let isOpen = false;
    opened.onopen = () => {
      isOpen = true;
    };
    opened.onclose = ({ code }) => {
      const text = t.doctor.socketOpened(Math.round(performance.now() - from));
      if (code === BAD_ROOM_ID) answer({ isGood: true, text });
      else refuse(new Error(isOpen ? t.doctor.socketClosed(code) : t.doctor.socketNotOpened(code)));
    };
  });
}

/** Where this page could go, and whether each of these lets it in. */
async function replicas(): Promise<Omit<Finding, "name">> {
  await learnPeers();
  const hosts = bases.all.map((base) => new URL(base).host);
  if (hosts.length < 2) return { isGood: true, text: t.doctor.stays(location.host) };
  const [mine, ...others] = await Promise.all(bases.all.map(reads));
  const lost = hosts.slice(1).filter((_, place) => !others[place]);
  const text = lost.length === 0 ? t.doctor.moves(hosts.slice(1).join(", ")) : t.doctor.cannotMove(lost.join(", "));
  return { isGood: mine === true && lost.length === 0, text };
}

async function reads(base: string): Promise<boolean> {
  const signal = AbortSignal.timeout(REPLICA_MS);
  try {
    return (await fetch(`${base}/api/doctor`, { cache: "no-store", credentials: "include", signal })).ok;
  } catch {
    return false;
  }
}

async function proxy(): Promise<Omit<Finding, "name">> {
  const answer = await fetch("/api/proxy", { cache: "no-store" });
  const body = (await answer.json().catch(() => null)) as { readonly error?: { readonly code?: string } } | null;
  const isOurs = body?.error?.code === "bad_url";
  const mayRead = answer.headers.get("access-control-allow-origin") === "*";
  const text = isOurs ? (mayRead ? t.doctor.proxyOpen : t.doctor.proxyClosed) : t.doctor.answers(answer.status);
  return { isGood: isOurs && mayRead, text };
}

async function ranges(): Promise<Omit<Finding, "name">> {
  const script = document.querySelector<HTMLScriptElement>("script[src]")?.src ?? "/";
  const answer = await fetch(script, { headers: { Range: "bytes=0-99" }, cache: "no-store" });
  const { byteLength } = await answer.arrayBuffer();
  const isGood = answer.status === 206 && byteLength === 100;
  return { isGood, text: isGood ? t.doctor.rangesGood : t.doctor.rangesBad(answer.status, byteLength) };
}

async function autoplay(): Promise<Omit<Finding, "name">> {
  const ask = (navigator as { getAutoplayPolicy?: (kind: string) => string }).getAutoplayPolicy;
  const policy = ask?.call(navigator, "mediaelement");
  if (policy !== undefined) return { isGood: policy !== "disallowed", text: policy };
  if (!("AudioContext" in window)) return { isGood: true, text: t.doctor.unknown };
  const context = new AudioContext();
  const { state } = context;
  await context.close();
  return { isGood: true, text: state === "running" ? t.doctor.allowed : t.doctor.needsTap };
}

async function streams(): Promise<Omit<Finding, "name">> {
  const element = document.createElement("video");
  const playsHls = element.canPlayType("application/vnd.apple.mpegurl") !== "";
  const ways = {
    MediaSource: "MediaSource" in window,
    ManagedMediaSource: "ManagedMediaSource" in window,
    [t.doctor.nativeHls]: playsHls,
    AudioContext: "AudioContext" in window,
    [t.doctor.wakeLock]: "wakeLock" in navigator,
  };
  const found = Object.entries(ways)
    .filter(([, has]) => has)
    .map(([name]) => name);
  const isGood = ways.MediaSource || ways.ManagedMediaSource || playsHls;
  const { hls, manifest, pair } = waysOf(readAbilities());
  const { doctor } = t;
  const parts = [
    found.join(", ") || doctor.none,
    `HLS: ${hls === "library" ? "hls.js" : hls === "native" ? doctor.nativeHls : doctor.none}`,
    `DASH: ${manifest === null ? doctor.none : "dash.js"}`,
    pair === "joined" ? doctor.joined : doctor.two,
  ];
  return { isGood, text: parts.join("; ") };
}

const KINDS = {
  "H.264": 'video/mp4; codecs="avc1.640028"',
  HEVC: 'video/mp4; codecs="hvc1.1.6.L120.90"',
  VP9: 'video/webm; codecs="vp09.00.40.08"',
  AV1: 'video/mp4; codecs="av01.0.08M.08"',
  AAC: 'audio/mp4; codecs="mp4a.40.2"',
  Opus: 'audio/webm; codecs="opus"',
} as const;

async function codecs(): Promise<Omit<Finding, "name">> {
  const element = document.createElement("video");
  const plays = Object.entries(KINDS).filter(([, type]) => element.canPlayType(type) !== "");
  const names = plays.map(([name]) => name);
  return { isGood: names.includes("H.264") || names.includes("VP9"), text: names.join(", ") || t.doctor.none };
}

async function browser(): Promise<Omit<Finding, "name">> {
  const size = t.doctor.screen(innerWidth, innerHeight, devicePixelRatio);
  return {
    isGood: true,
    text: `${navigator.userAgent}, ${size}, ${isSecureContext ? t.doctor.secure : t.doctor.notSecure}`,
  };
}

function within<T>(work: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, refuse) => {
    window.setTimeout(() => refuse(new Error(t.doctor.late)), WAIT_MS);
  });
  return Promise.race([work, late]);
}
