import { ArrowRight, LibraryBig, Link2, ListVideo, Users } from "lucide-react";
import { type FormEvent, useEffect, useState } from "react";
import { ApiError, createRoom, listRooms } from "@/lib/api";
import { bringing, broughtLink } from "@/lib/brought";
import { readLink, readWish } from "@/lib/links";
import { go, roomPath } from "@/lib/routing";
import { useStore } from "@/lib/store";
import { Library } from "@/library/library";
import { SignIns, siteFor } from "@/room/signIns";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { IconButton } from "@/ui/IconButton";
import { LanguageButton } from "@/ui/LanguageSetting";
import { Spinner } from "@/ui/Spinner";
import { Switch } from "@/ui/Switch";
import { ThemeButton } from "@/ui/ThemeButton";
import { Wordmark } from "@/ui/Wordmark";
import type { RoomSummary } from "@/wire/wire.gen";
import { LandingLibrary } from "./LandingLibrary";
import { RoomCard } from "./RoomCard";

const steps = [
  ["paste", Link2],
  ["send", Users],
  ["watch", ListVideo],
] as const;

export default function Landing() {
  const [library] = useState(() => new Library());
  const [signIns] = useState(() => new SignIns(() => undefined));
  useEffect(() => {
    document.title = t.app.name;
  }, []);
  return (
    <div className="flex min-h-dvh flex-col">
      <header className="flex h-16 items-center justify-between px-4 sm:px-8">
        <span className="flex items-center gap-2.5 font-semibold tracking-[-0.01em]">
          <Wordmark /> {t.app.name}
        </span>
        <span className="flex items-center gap-1">
          <IconButton
            label={t.library.title}
            onClick={() => {
              signIns.load();
              library.open();
            }}
          >
            <LibraryBig size={19} className="text-dim" />
          </IconButton>
          <LanguageButton />
          <ThemeButton />
        </span>
      </header>
      <main className="mx-auto flex w-full max-w-[920px] flex-1 flex-col px-4 pb-16 sm:px-8">
        <section className="mx-auto w-full max-w-[640px] pt-[min(14vh,8rem)] text-center">
          <h1 className="text-[clamp(1.75rem,5.5vw,2.75rem)] leading-[1.12] font-semibold tracking-[-0.028em]">
            {t.landing.headline}
          </h1>
          <WishForm signIns={signIns} />
        </section>
        <RecentRooms />
        <ul className="mx-auto mt-auto grid w-full gap-x-10 gap-y-4 pt-16 text-dim sm:grid-cols-3">
          {steps.map(([step, Icon]) => (
            <li key={step} className="flex gap-3 sm:flex-col sm:gap-2">
              <Icon size={18} className="mt-0.5 shrink-0 text-accent-text" aria-hidden />
              <span className="text-pretty">{t.landing.steps[step]}</span>
            </li>
          ))}
        </ul>
      </main>
      <LandingLibrary library={library} signIns={signIns} />
    </div>
  );
}

function WishForm({ signIns }: { readonly signIns: SignIns }) {
  const [text, setText] = useState(() => broughtLink() ?? "");
  const [isLent, setLent] = useState(false);
  const sites = useStore(signIns.view, (view) => view.sites);
  const link = readLink(text);
  // A link that came with the address is there before anything is typed.
  const hasLink = link !== null;
  useEffect(() => {
    if (hasLink) signIns.load();
  }, [hasLink, signIns]);
  const site = link === null || sites === null ? null : siteFor(link, sites);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const wish = readWish(text);
    if (wish === null) {
      setProblem(t.landing.notAWish);
      return;
    }
    if (wish.kind === "room") {
      go(bringing(roomPath(wish.id), broughtLink()));
      return;
    }
    setBusy(true);
    try {
      go(roomPath((await createRoom({ url: wish.url }, site !== null && isLent)).id));
    } catch (error) {
      setBusy(false);
      setProblem(error instanceof ApiError ? error.message : t.common.didNotWork);
    }
  };

  return (
    <form onSubmit={submit} className="mt-9">
      <div className="flex items-center gap-2 rounded-[14px] border border-line bg-panel p-1.5 shadow-float transition-colors duration-120 focus-within:border-accent/70 max-sm:flex-col max-sm:items-stretch">
        <input
          aria-label={t.landing.wish}
          placeholder={t.landing.wish}
          className="h-12 min-w-0 flex-1 rounded-control bg-transparent px-3.5 text-base outline-none placeholder:text-dim max-sm:flex-none"
          value={text}
          // biome-ignore lint/a11y/noAutofocus: the page has this one purpose
          autoFocus
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          enterKeyHint="go"
          maxLength={2048}
          aria-invalid={problem !== null}
          aria-describedby="wish-problem"
          onChange={(event) => {
            setText(event.target.value);
            setProblem(null);
          }}
        />
        <Button look="primary" type="submit" className="h-12 rounded-[9px] px-5 text-base" disabled={isBusy}>
          {isBusy ? <Spinner className="size-4" /> : null}
          {t.landing.open}
          {isBusy ? null : <ArrowRight size={18} aria-hidden />}
        </Button>
      </div>
      {site !== null && (
        <div className="mt-3 px-1 text-left">
          <Switch
            label={t.queue.lendSignIn(site)}
            text={t.queue.lendSignInText}
            isOn={isLent}
            isReadOnly={false}
            onChange={setLent}
          />
        </div>
      )}
      <p id="wish-problem" role="alert" className="mt-3 min-h-6 text-bad">
        {problem}
      </p>
      {broughtLink() !== null && <p className="text-dim">{t.landing.brought}</p>}
    </form>
  );
}

function RecentRooms() {
  const [rooms, setRooms] = useState<readonly RoomSummary[]>([]);
  useEffect(() => {
    let isGone = false;
    const read = () =>
      listRooms().then(
        (list) => {
          if (!isGone) setRooms(list.rooms);
        },
        // The list is a convenience: without it the page is whole.
        () => undefined,
      );
    void read();
    const timer = window.setInterval(() => document.visibilityState === "visible" && void read(), 15_000);
    return () => {
      isGone = true;
      window.clearInterval(timer);
    };
  }, []);
  if (rooms.length === 0) return null;
  return (
    <section className="mt-10" aria-labelledby="recent">
      <h2 id="recent" className="mb-3 text-sm font-medium text-dim">
        {t.landing.recent}
      </h2>
      <ul className="grid grid-cols-[repeat(auto-fill,minmax(240px,1fr))] gap-4">
        {rooms.slice(0, 6).map((room) => (
          <RoomCard key={room.id} room={room} />
        ))}
      </ul>
    </section>
  );
}
