import { LibraryBig } from "lucide-react";
import { type FormEvent, useEffect, useState } from "react";
import { ApiError, createRoom, listRooms } from "@/lib/api";
import { bringing, broughtLink } from "@/lib/brought";
import { readLink, readWish } from "@/lib/links";
import { go, roomPath } from "@/lib/routing";
import { typedBefore } from "@/lib/shell";
import { useStore } from "@/lib/store";
import { Library } from "@/library/library";
import { SignIns, siteFor } from "@/room/signIns";
import { t } from "@/text";
import { IconButton } from "@/ui/IconButton";
import { LanguageButton } from "@/ui/LanguageSetting";
import { Switch } from "@/ui/Switch";
import { ThemeButton } from "@/ui/ThemeButton";
import type { RoomSummary } from "@/wire/wire.gen";
import { LandingFrame, Steps, WishBox } from "./LandingFrame";
import { LandingLibrary } from "./LandingLibrary";
import { RoomCard } from "./RoomCard";

export default function Landing() {
  const [library] = useState(() => new Library());
  const [signIns] = useState(() => new SignIns(() => undefined));
  useEffect(() => {
    document.title = t.app.name;
  }, []);
  return (
    <LandingFrame
      buttons={
        <>
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
        </>
      }
      wish={<WishForm signIns={signIns} />}
    >
      <RecentRooms />
      <LandingLibrary library={library} signIns={signIns} />
    </LandingFrame>
  );
}

function WishForm({ signIns }: { readonly signIns: SignIns }) {
  const [text, setText] = useState(() => broughtLink() ?? typedBefore());
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
    <WishBox
      isBusy={isBusy}
      hasProblem={problem !== null}
      value={text}
      onSubmit={submit}
      onChange={(next) => {
        setText(next);
        setProblem(null);
      }}
    >
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
    </WishBox>
  );
}

function RecentRooms() {
  const [rooms, setRooms] = useState<readonly RoomSummary[] | null>(null);
  useEffect(() => {
    let isGone = false;
    const read = () =>
      listRooms().then(
        (list) => {
          if (!isGone) setRooms(list.rooms);
        },
        // The list is a convenience: without it the page is whole.
        () => setRooms((known) => known ?? []),
      );
    void read();
    const timer = window.setInterval(() => document.visibilityState === "visible" && void read(), 15_000);
    return () => {
      isGone = true;
      window.clearInterval(timer);
    };
  }, []);
  // What stands below must not be pushed down when the rooms come.
  if (rooms === null) return null;
  return (
    <>
      {rooms.length > 0 && <RoomCards rooms={rooms} />}
      <Steps />
    </>
  );
}

function RoomCards({ rooms }: { readonly rooms: readonly RoomSummary[] }) {
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
