/** The page's places before their scripts run, as markup: made once by the build, sent by the server. */
import { renderToStaticMarkup } from "react-dom/server";
import { SHELL } from "@/lib/shell";
import { LandingShell } from "@/pages/landing/LandingShell";
import { RoomShell } from "@/pages/room/RoomShell";
import { LANGUAGES, type Language, speakIn, t } from "@/text";

/** By place, then by language. `{room}` stands for the room's name. */
export async function shells(): Promise<Record<string, Record<string, string>>> {
  const landing: Record<string, string> = {};
  const room: Record<string, string> = {};
  for (const language of Object.keys(LANGUAGES) as Language[]) {
    await speakIn(language);
    landing[language] = markup(<LandingShell />);
    room[language] = markup(<RoomShell roomId="{room}" text={t.entering.opening} />);
  }
  return { landing, room };
}

function markup(shell: React.ReactNode): string {
  return renderToStaticMarkup(
    <div {...{ [SHELL]: "" }} className="contents">
      {shell}
    </div>,
  );
}
