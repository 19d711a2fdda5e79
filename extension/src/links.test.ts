import { describe, expect, it } from "vitest";
import { addPath, isLink, isOpenToAll, placeOf, readServer } from "./links";

describe("watching together", () => {
  it("opens the room, or the page where rooms are chosen, with the link", () => {
    const link = "https://video.example/w?v=1&t=2#x";
    const brought = (path: string) => new URL(path).searchParams.get("add");
    const room = addPath({ server: "https://watch.example", room: "film" }, link);
    expect(room).toMatch(/^https:\/\/watch\.example\/room\/film\?add=/);
    expect(brought(room)).toBe(link);
    expect(addPath({ server: "https://watch.example", room: null }, link)).toMatch(/^https:\/\/watch\.example\/\?add=/);
  });

  it.each([
    ["https://video.example/", true],
    ["chrome://settings", false],
    ["javascript:alert(1)", false],
    [undefined, false],
  ])("of %s is %s", (url, is) => {
    expect(isLink(url)).toBe(is);
  });
});

it("a page of the server tells its room", () => {
  expect(placeOf("https://watch.example/room/film-1?x")).toEqual({ server: "https://watch.example", room: "film-1" });
  expect(placeOf("http://localhost:8000/")).toEqual({ server: "http://localhost:8000", room: null });
});

describe("the address of a server", () => {
  it.each([
    ["watch.example", "https://watch.example"],
    ["http://192.168.1.2:8000/room/film", "http://192.168.1.2:8000"],
    ["", null],
    ["no address", null],
  ])("%j is %j", (text, server) => {
    expect(readServer(text)).toBe(server);
  });

  it.each([
    ["https://watch.example", false],
    ["http://localhost:8000", false],
    ["http://127.0.0.1:8000", false],
    ["http://192.168.1.2:8000", true],
  ])("%s is open to all: %s", (server, is) => {
    expect(isOpenToAll(server)).toBe(is);
  });
});
