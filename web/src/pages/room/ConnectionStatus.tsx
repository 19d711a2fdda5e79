import type { ConnectionState } from "@/socket/connection";
import { t } from "@/text";

/** Always there for ears; for eyes only while something is wrong. */
export function ConnectionStatus({ state }: { readonly state: ConnectionState }) {
  const isAway = state.kind === "reconnecting";
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
        className={
          isAway
            ? "pointer-events-none fixed top-3 left-1/2 z-50 -translate-x-1/2 animate-enter rounded-full border border-line bg-raised px-4 py-1.5 text-sm whitespace-nowrap shadow-float"
            : "sr-only"
        }
      >
        {words(state)}
      </div>
    </>
  );
}

function words(state: ConnectionState): string {
  switch (state.kind) {
    case "joining":
      return t.entering.joining;
    case "open":
      return t.connection.open;
    case "reconnecting":
      return state.restarting ? t.connection.restarting : t.connection.reconnecting;
    case "ended":
      return t.connection.ended;
  }
}
