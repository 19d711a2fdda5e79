import { describe, expect, it } from "vitest";
import { asWebVtt } from "./wording";

describe("a subtitle file", () => {
  it("of WebVTT is left as it is, and what is no subtitles at all too", () => {
    expect(asWebVtt("\uFEFFWEBVTT\n\n00:00.000 --> 00:01.000\nHi")).toBeNull();
    expect(asWebVtt("<html>Not found</html>")).toBeNull();
    expect(asWebVtt("")).toBeNull();
  });

  it("of TTML is read whatever prefix and clock it uses", () => {
    const file = `<?xml version="1.0"?><tt:tt xmlns:tt="http://www.w3.org/ns/ttml" ttp:frameRate="25" ttp:tickRate="1000">
      <tt:body><tt:div>
        <tt:p begin="00:00:01.500" end="00:00:02:05">One<tt:br/>
           <tt:span>two &amp; &lt;three&gt;</tt:span></tt:p>
        <tt:p begin="90s" dur="1500ms">Four</tt:p>
        <tt:p begin="5000t" end="150f">Five</tt:p>
        <tt:p begin="1s" end="2s"> </tt:p>
      </tt:div></tt:body></tt:tt>`;
    expect(asWebVtt(file)).toBe(
      [
        "WEBVTT",
        "00:00:01.500 --> 00:00:02.200\nOne\ntwo &amp; &lt;three>",
        "00:01:30.000 --> 00:01:31.500\nFour",
        "00:00:05.000 --> 00:00:06.000\nFive",
      ].join("\n\n"),
    );
  });
});
