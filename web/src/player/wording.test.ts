import { describe, expect, it } from "vitest";
import { asWebVtt } from "./wording";

describe("a subtitle file", () => {
  it("of WebVTT is left as it is, and what is none of ours too", () => {
    expect(asWebVtt("\uFEFFWEBVTT\n\n00:00.000 --> 00:01.000\nHi")).toBeNull();
    expect(asWebVtt("<html>Not found</html>")).toBeNull();
    expect(asWebVtt("")).toBeNull();
  });

  it("of SubRip keeps its times, its lines and what WebVTT knows of its tags", () => {
    const file =
      "\uFEFF1\r\n00:00:01,500 --> 00:00:03,04\r\n<i>One</i>\r\ntwo\r\n\r\n2\r\n01:02:03,004 --> 01:02:05,000 X1:0\r\nThree\r\n";
    expect(asWebVtt(file)).toBe(
      "WEBVTT\n\n00:00:01.500 --> 00:00:03.040\n<i>One</i>\ntwo\n\n01:02:03.004 --> 01:02:05.000\nThree",
    );
  });

  it("of SubRip brings no tag, entity or arrow of its own", () => {
    const file = "1\n00:00:00,000 --> 00:00:01,000\n{\\an8}<font color=red>Q&A</font> <script>1 < 2 --> &amp;";
    expect(asWebVtt(file)?.split("\n").at(-1)).toBe("Q&amp;A 1 &lt; 2 → &amp;");
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
