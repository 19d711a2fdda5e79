import { Compass } from "lucide-react";
import { useEffect } from "react";
import { go } from "@/lib/routing";
import { t } from "@/text";
import { Button } from "@/ui/Button";

/** An address that leads to nothing: it says so, and the way out. */
export default function Nowhere() {
  const isRoom = location.pathname.startsWith("/room/");
  const { title, text } = isRoom ? t.endings.reasons.bad_room : t.nowhere;
  useEffect(() => {
    document.title = `${title} · ${t.app.name}`;
  }, [title]);
  return (
    <main className="grid h-dvh place-items-center p-6">
      <div className="flex w-full max-w-sm flex-col items-center text-center">
        <span className="mb-5 grid size-14 place-items-center rounded-full bg-raised text-dim">
          <Compass size={26} aria-hidden />
        </span>
        <h1 className="text-lg font-semibold">{title}</h1>
        <p className="mt-2 text-pretty text-dim">{text}</p>
        <Button look="primary" className="mt-6" onClick={() => go("/")}>
          {t.endings.otherRooms}
        </Button>
      </div>
    </main>
  );
}
