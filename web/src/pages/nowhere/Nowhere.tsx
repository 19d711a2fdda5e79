import { Compass } from "lucide-react";
import { useEffect } from "react";
import { go } from "@/lib/routing";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { DeadEnd } from "@/ui/DeadEnd";

/** An address that leads to nothing: it says so, and the way out. */
export default function Nowhere() {
  const isRoom = location.pathname.startsWith("/room/");
  const { title, text } = isRoom ? t.endings.reasons.bad_room : t.nowhere;
  useEffect(() => {
    document.title = `${title} · ${t.app.name}`;
  }, [title]);
  return (
    <DeadEnd icon={Compass} title={title} text={text}>
      <Button look="primary" className="mt-6" onClick={() => go("/")}>
        {t.endings.otherRooms}
      </Button>
    </DeadEnd>
  );
}
