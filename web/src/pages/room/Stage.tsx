import { lazy, type Ref, Suspense, useEffect, useImperativeHandle, useRef } from "react";
import { useStore } from "@/lib/store";
import type { RoomSession } from "@/room/session";
import { cx } from "@/ui/classes";
import { CentrePlay } from "./CentrePlay";
import { ChatOverlay } from "./chat/ChatOverlay";
import { FeedbackFlash } from "./FeedbackFlash";
import { FloatingReactions } from "./FloatingReactions";
import * as frame from "./frame";
import type { Layout } from "./layout";
import { PlayerBar } from "./PlayerBar";
import { StageNotice } from "./StageNotice";
import { useResting } from "./useResting";
import { useTouch } from "./useTouch";
import { WaitingNotice } from "./WaitingNotice";

const Figures = lazy(async () => ({ default: (await import("./Figures")).Figures }));

interface Props {
  readonly ref: Ref<HTMLDivElement>;
  readonly session: RoomSession;
  readonly layout: Layout;
}

// A second click within this makes it a double click, which is about the screen and not about the room.
const DOUBLE_MS = 220;

/** The picture and everything on it. */
export function Stage({ ref, session, layout }: Props) {
  const box = useRef<HTMLDivElement>(null);
  useImperativeHandle(ref, () => box.current as HTMLDivElement, []);
  const isPlaying = useStore(session.view, ({ anchor, replica }) => anchor.isPlaying && replica?.video !== null);
  const isResting = useResting(box, isPlaying);
  const click = useRef(0);
  const touch = useTouch(session);

  useEffect(() => {
    if (box.current !== null) session.player.mount(box.current);
  }, [session]);

  const onClick = (event: React.MouseEvent, pointer: string) => {
    if (pointer === "touch") return;
    window.clearTimeout(click.current);
    if (event.detail > 1) {
      layout.toggleFullscreen();
      return;
    }
    click.current = window.setTimeout(() => {
      if (session.view.get().replica?.video) session.togglePlay();
    }, DOUBLE_MS);
  };

  return (
    <div
      ref={box}
      data-resting={isResting}
      className={cx(
        frame.STAGE,
        layout.isFullscreen
          ? "!max-h-none"
          : layout.isTheatre
            ? "wide:col-span-full wide:h-[min(56.25vw,100dvh-8.5rem)]"
            : frame.STAGE_BESIDE,
      )}
    >
      <div
        aria-hidden
        className="absolute inset-0 touch-none"
        onClick={(event) => onClick(event, (event.nativeEvent as PointerEvent).pointerType)}
        onPointerDown={touch.onPointerDown}
        onPointerMove={touch.onPointerMove}
        onPointerUp={touch.onPointerUp}
        onPointerCancel={touch.onPointerCancel}
      />
      <StageNotice session={session} layout={layout} />
      <FloatingReactions session={session} />
      <FeedbackFlash session={session} />
      <WaitingNotice session={session} />
      {(layout.isFullscreen || !layout.isPanelOpen) && <ChatOverlay session={session} isPhone={!layout.isFullscreen} />}
      {layout.hasFigures && (
        <Suspense>
          <Figures session={session} onClose={layout.toggleDiagnostics} />
        </Suspense>
      )}
      <CentrePlay session={session} />
      <PlayerBar session={session} layout={layout} />
    </div>
  );
}
