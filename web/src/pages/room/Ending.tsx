import { DoorClosed } from "lucide-react";
import { go } from "@/lib/routing";
import { endings } from "@/room/words";
import type { EndReason } from "@/socket/close";
import { Button } from "@/ui/Button";

/** The room will not have us, or no longer. */
export function Ending({ reason }: { readonly reason: EndReason }) {
  const { title, text } = endings[reason];
  return (
    <main className="grid h-dvh place-items-center p-6">
      <div className="max-w-sm text-center">
        <span className="mx-auto mb-5 grid size-14 place-items-center rounded-full bg-raised text-dim">
          <DoorClosed size={26} aria-hidden />
        </span>
        <h1 className="text-lg font-semibold">{title}</h1>
        <p className="mt-2 text-pretty text-dim">{text}</p>
        <p role="status" aria-label="Connection" className="sr-only">
          Disconnected
        </p>
        <div className="mt-6 flex justify-center gap-2">
          <Button onClick={() => go("/")}>Other rooms</Button>
          <Button look="primary" onClick={() => location.reload()}>
            Reload
          </Button>
        </div>
      </div>
    </main>
  );
}
