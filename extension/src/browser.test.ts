import { expect, it } from "vitest";
import { named } from "./browser";

const WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0";

it.each([
  [`${WINDOWS} Safari/537.36`, "Chrome", "Windows"],
  [`${WINDOWS} Safari/537.36 Edg/140.0.0.0`, "Edge", "Windows"],
  [`${WINDOWS} Safari/537.36 OPR/124.0.0.0`, "Opera", "Windows"],
  ["Mozilla/5.0 (Linux; Android 10; K) Chrome/140.0.0.0 Mobile Safari/537.36 EdgA/140.0.0.0", "Edge", "Android"],
  ["Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0", "Firefox", "Android"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox", "Mac OS"],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox", "Linux"],
  ["something/1.0", "", ""],
])("%s is %s on %s", (agent, browser, system) => {
  expect(named(agent)).toEqual({ browser, system });
});
