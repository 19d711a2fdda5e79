import type { ConnectionState } from "@/socket/connection";
import { t } from "@/text";
import { cx } from "@/ui/classes";

interface Props {
  readonly state: ConnectionState;
  /** The server can't reach what the room is kept in. */
  readonly isStoreAway: boolean;
}

/** Always there for ears; for eyes only while something is wrong. */
export function ConnectionStatus({ state, isStoreAway }: Props) {
  const isAway = state.kind === "reconnecting";
  const isShown = isAway || (state.kind === "open" && isStoreAway);
  return (
    <>
      {isAway && (
        <div aria-hidden className="fixed inset-x-0 top-0 z-50 h-0.5 overflow-hidden bg-warn/20">
          <div className="h-full w-2/5 animate-sweep rounded-full bg-warn" />
        </div>
      )}
      <div
        role="status"
        aria-label={t.connection.label}
        className={cx(
          isShown
            ? "pointer-events-none fixed left-1/2 z-50 w-max max-w-[calc(100vw-1.5rem)] -translate-x-1/2 animate-enter rounded-[1.125rem] border border-line bg-raised px-4 py-1.5 text-center text-sm text-balance shadow-float"
            : "sr-only",
          // What may last leaves a small screen's header to be used.
          isAway ? "top-3" : "top-3 narrow:top-16",
        )}
      >
        {words(state, isStoreAway)}
      </div>
    </>
  );
}

function words(state: ConnectionState, isStoreAway: boolean): string {
  switch (state.kind) {
    case "joining":
      return t.entering.joining;
    case "open":
      return isStoreAway ? t.connection.storeAway : t.connection.open;
    case "reconnecting":
      return state.restarting ? t.connection.restarting : t.connection.reconnecting;
    case "ended":
      return t.connection.ended;
  }
}
