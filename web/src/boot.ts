/** The first script, and a small one: what the server sent is painted before the page itself begins to run. */
import { askEarly } from "@/lib/entering";
import "./styles.css";

/** A page that nobody looks at is not painted. */
const AT_THE_LATEST_MS = 200;
const AGAIN_MS = 3000;

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
afterPaint(() => {
  // What is seen promises that something is coming: the page tries again for as long as that takes.
  import("./main").catch(() => setTimeout(() => location.reload(), AGAIN_MS));
});
