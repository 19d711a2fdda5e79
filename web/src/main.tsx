import { type ComponentType, lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { learnPeers } from "@/lib/api";
import { answeredEarly } from "@/lib/entering";
import { tellLook } from "@/lib/prefs";
import { type Place, place } from "@/lib/routing";
import { useStore } from "@/lib/store";
import { paintTheme } from "@/lib/theme";
import { allowOwnScripts } from "@/lib/trusted";
import { language, speak } from "@/text";
import { ErrorBoundary } from "@/ui/ErrorBoundary";
import { Popups } from "@/ui/Popups";

const parts = {
  doctor: () => import("@/pages/doctor/Doctor"),
  landing: () => import("@/pages/landing/Landing"),
  nowhere: () => import("@/pages/nowhere/Nowhere"),
  room: () => import("@/pages/room/RoomPage"),
};
type Part = ComponentType<{ readonly roomId: string }>;

/** The part that the page began with is there when it is drawn: what the server sent stands until then. */
let first: { readonly kind: Place["kind"]; readonly Part: Part } | null = null;
const later: Readonly<Record<Place["kind"], Part>> = {
  doctor: lazy(parts.doctor),
  landing: lazy(parts.landing),
  nowhere: lazy(parts.nowhere),
  room: lazy(parts.room),
};

function Page() {
  // Nothing below is memoized: another language is read as everything is drawn again.
  useStore(language, (value) => value);
  const here = useStore(place, (value) => value);
  const Part = first?.kind === here.kind ? first.Part : later[here.kind];
  const roomId = here.kind === "room" ? here.id : "";
  return (
    <Suspense>
      <Part key={roomId} roomId={roomId} />
    </Suspense>
  );
}

const RELOADED_JUST_NOW_MS = 5000;

// The server was updated under an open page: its old parts are gone, its new ones fit together. Not while it is away,
// when the picture plays on, nor where reloading has not helped.
window.addEventListener("vite:preloadError", () => {
  if (performance.now() < RELOADED_JUST_NOW_MS) return;
  void fetch("/", { method: "HEAD", cache: "no-store" }).then(
    ({ ok }) => ok && location.reload(),
    () => undefined,
  );
});

/** Begins to load the part that is asked for. Where it cannot be had the page says so as it is drawn. */
async function begin(): Promise<void> {
  const { kind } = place.get();
  try {
    const [part] = await Promise.all([parts[kind](), answeredEarly()]);
    first = { kind, Part: part.default };
  } catch {
    first = null;
  }
}

paintTheme();
tellLook();
allowOwnScripts();
const root = document.getElementById("root");
if (root === null) throw new Error("The page has no root.");
void Promise.all([begin(), speak()]).then(() => {
  createRoot(root).render(
    <StrictMode>
      <ErrorBoundary>
        <Popups>
          <Page />
        </Popups>
      </ErrorBoundary>
    </StrictMode>,
  );
  void learnPeers();
});
