/** The first script, and a small one: what the server sent is painted before the page itself begins to run. */
import { askEarly } from "@/lib/entering";
import "./styles.css";

/** A page that nobody looks at is not painted. */
const AT_THE_LATEST_MS = 200;

function afterPaint(run: () => void): void {
  let isDue = true;
  const once = () => {
    if (isDue) run();
    isDue = false;
  };
  requestAnimationFrame(() => setTimeout(once));
  setTimeout(once, AT_THE_LATEST_MS);
}

askEarly();
afterPaint(() => void import("./main"));
