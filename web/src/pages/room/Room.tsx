import { useEffect, useMemo, useRef, useState } from "react";
import { broughtLink, dropParameter } from "@/lib/brought";
import { DialogLater } from "@/lib/later";
import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { cx } from "@/ui/classes";
import { ToastList } from "@/ui/ToastList";
import { ConnectionStatus } from "./ConnectionStatus";
import { Ending } from "./Ending";
import * as frame from "./frame";
import { Header } from "./Header";
import type { Layout } from "./layout";
import { NowPlaying } from "./NowPlaying";
import { Panel } from "./Panel";
import { RoomLibrary } from "./RoomLibrary";
import { Stage } from "./Stage";
import { useFullscreen } from "./useFullscreen";
import { usePastedLinks } from "./usePastedLinks";
import { useShortcuts } from "./useShortcuts";

const keyHelp = async () => (await import("./KeyHelp")).KeyHelp;
const broughtDialog = async () => (await import("./BroughtDialog")).BroughtDialog;
const signInsDialog = async () => (await import("./SignInsDialog")).SignInsDialog;

/** Whether the panel is open: not on a screen so low that it would cover the picture, also not after turning to it. */
function usePanel() {
  const low = useMemo(() => matchMedia("(max-height: 500px)"), []);
  const [isOpen, setOpen] = useState(!low.matches);
  useEffect(() => {
    const onTurn = () => setOpen(!low.matches);
    low.addEventListener("change", onTurn);
    return () => low.removeEventListener("change", onTurn);
  }, [low]);
  return [isOpen, setOpen] as const;
}

export function Room({ session }: { readonly session: RoomSession }) {
  const stage = useRef<HTMLDivElement>(null);
  const [isPanelOpen, setPanelOpen] = usePanel();
  const [isTheatre, setTheatre] = useState(false);
  const [isHelpOpen, setHelp] = useState(false);
  const [hasFigures, setFigures] = useState(false);
  const [brought] = useState(broughtLink);
  const [isAsked, setAsked] = useState(brought !== null);
  const [isFullscreen, toggleFullscreen] = useFullscreen(stage, session.player.element);
  const layout: Layout = {
    isPanelOpen,
    isTheatre,
    isFullscreen,
    togglePanel: () => setPanelOpen((value) => !value),
    toggleTheatre: () => setTheatre((value) => !value),
    toggleFullscreen,
    toggleHelp: () => setHelp((value) => !value),
    hasFigures,
    toggleDiagnostics: () => setFigures((value) => !value),
  };
  useShortcuts(session, layout);
  usePastedLinks(session);
  const connection = useStore(session.connection.state, (value) => value);
  const isStoreAway = useStore(session.isStoreAway, (value) => value);
  const isSigningIn = useStore(session.signIns.view, ({ isOpen }) => isOpen);
  const hasJoined = useStore(session.view, ({ replica }) => replica !== null);
  const title = useStore(session.view, ({ replica }) => replica?.video?.title);
  const unread = useStore(session.talk.unread, (value) => value);
  useEffect(() => {
    const words = [title, session.roomId, t.app.name].filter(Boolean).join(" · ");
    document.title = unread === 0 ? words : `(${unread}) ${words}`;
  }, [title, unread, session]);

  if (connection.kind === "ended") return <Ending session={session} reason={connection.reason} />;
  return (
    <div className={cx(frame.PAGE, isTheatre && "wide:overflow-y-auto")}>
      <ConnectionStatus state={connection} isStoreAway={isStoreAway} />
      <Header session={session} layout={layout} />
      <main className={frame.main(isTheatre, isPanelOpen)}>
        <div className={frame.column(isTheatre)}>
          <Stage ref={stage} session={session} layout={layout} />
          <NowPlaying session={session} isTheatre={isTheatre} />
        </div>
        <Panel session={session} layout={layout} />
      </main>
      <DialogLater
        load={signInsDialog}
        session={session}
        isOpen={isSigningIn}
        onClose={() => session.signIns.close()}
      />
      <DialogLater
        load={broughtDialog}
        session={session}
        link={brought ?? ""}
        isOpen={isAsked && hasJoined}
        onClose={() => {
          setAsked(false);
          dropParameter("add");
        }}
      />
      <DialogLater load={keyHelp} isOpen={isHelpOpen} onClose={() => setHelp(false)} />
      <RoomLibrary session={session} />
      <ToastList toasts={session.toasts} />
    </div>
  );
}
