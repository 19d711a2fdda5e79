import { describe, expect, it } from "vitest";
import { t } from "@/text";
import { refusalWords } from "./words";

describe("why the room refused", () => {
  it("is said in the page's own words where the server speaks of its parts", () => {
    expect(refusalWords("unavailable", "The room store does not answer.")).toBe(t.refusals.unavailable);
    expect(t.refusals.unavailable).toContain("playback goes on");
  });

  it("is said in the server's words where it knows more, and never not at all", () => {
    expect(refusalWords("queue_full", "The queue has 500 items.")).toBe("The queue has 500 items.");
    expect(refusalWords("odd", "")).toBe(t.refusals.other);
  });
});
