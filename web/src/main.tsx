import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { place } from "@/lib/routing";
import { useStore } from "@/lib/store";
import { paintTheme } from "@/lib/theme";
import { allowOwnScripts } from "@/lib/trusted";
import { language, speak } from "@/text";
import { ErrorBoundary } from "@/ui/ErrorBoundary";
import { TooltipProvider } from "@/ui/Tooltip";
import "./styles.css";

const parts = {
  doctor: () => import("@/pages/doctor/Doctor"),
  landing: () => import("@/pages/landing/Landing"),
  room: () => import("@/pages/room/RoomPage"),
};
const Doctor = lazy(parts.doctor);
const Landing = lazy(parts.landing);
const RoomPage = lazy(parts.room);

function Page() {
  // Nothing below is memoized: another language is read as everything is drawn again.
  useStore(language, (value) => value);
  const here = useStore(place, (value) => value);
  return (
    <Suspense>
      {here.kind === "doctor" && <Doctor />}
      {here.kind === "landing" && <Landing />}
      {here.kind === "room" && <RoomPage key={here.id} roomId={here.id} />}
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

paintTheme();
allowOwnScripts();
// Before the page is drawn, so that it is there when it is asked for.
void parts[place.get().kind]().catch(() => undefined);
const root = document.getElementById("root");
if (root === null) throw new Error("The page has no root.");
void speak().then(() =>
  createRoot(root).render(
    <StrictMode>
      <ErrorBoundary>
        <TooltipProvider>
          <Page />
        </TooltipProvider>
      </ErrorBoundary>
    </StrictMode>,
  ),
);
