import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { place } from "@/lib/routing";
import { useStore } from "@/lib/store";
import { paintTheme } from "@/lib/theme";
import { Landing } from "@/pages/landing/Landing";
import { RoomPage } from "@/pages/room/RoomPage";
import { language, speak } from "@/text";
import { TooltipProvider } from "@/ui/Tooltip";
import "./styles.css";

const Doctor = lazy(() => import("@/pages/doctor/Doctor"));

function Page() {
  // Nothing below is memoized: another language is read as everything is drawn again.
  useStore(language, (value) => value);
  const here = useStore(place, (value) => value);
  if (here.kind === "doctor") {
    return (
      <Suspense>
        <Doctor />
      </Suspense>
    );
  }
  return here.kind === "room" ? <RoomPage key={here.id} roomId={here.id} /> : <Landing />;
}

// The server was updated under an open page: its old parts are gone, its new ones fit together.
window.addEventListener("vite:preloadError", (event) => {
  event.preventDefault();
  location.reload();
});

paintTheme();
const root = document.getElementById("root");
if (root === null) throw new Error("The page has no root.");
void speak().then(() =>
  createRoot(root).render(
    <StrictMode>
      <TooltipProvider>
        <Page />
      </TooltipProvider>
    </StrictMode>,
  ),
);
