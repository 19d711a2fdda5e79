import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

interface Props {
  readonly icon: LucideIcon;
  readonly title: string;
  readonly text: string;
  /** The ways out. */
  readonly children: ReactNode;
}

/** A page that leads nowhere: why, and the ways out. */
export function DeadEnd({ icon: Icon, title, text, children }: Props) {
  return (
    <main className="grid h-dvh place-items-center p-6">
      <div className="w-full max-w-sm text-center">
        <span className="mx-auto mb-5 grid size-14 place-items-center rounded-full bg-raised text-dim">
          <Icon size={26} aria-hidden />
        </span>
        <h1 className="text-lg font-semibold">{title}</h1>
        <p className="mt-2 text-pretty text-dim">{text}</p>
        {children}
      </div>
    </main>
  );
}
