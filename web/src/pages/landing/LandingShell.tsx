import { Languages, LibraryBig, Monitor } from "lucide-react";
import { LandingFrame, WishBox } from "./LandingFrame";

/** The first page as the server sends it, before any script: what is typed into its field meanwhile is kept. */
export function LandingShell() {
  const icons = [
    { Icon: LibraryBig, size: 19 },
    { Icon: Languages, size: 18 },
    { Icon: Monitor, size: 18 },
  ];
  return (
    <LandingFrame
      buttons={icons.map(({ Icon, size }) => (
        <span key={Icon.displayName} aria-hidden className="grid size-10 place-items-center touch:size-11">
          <Icon size={size} className="text-dim" />
        </span>
      ))}
      wish={<WishBox />}
    >
      {null}
    </LandingFrame>
  );
}
