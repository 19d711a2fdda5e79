import { describe, expect, it } from "vitest";
import { Bases } from "./bases";

const OWN = "http://192.168.1.5:8000";
const NEXT = "http://192.168.1.5:8001";
const LAST = "http://192.168.1.5:8002";

function three(random = () => 0): Bases {
  const bases = new Bases(OWN, random);
  bases.learn([":8000", ":8001", ":8002"]);
  return bases;
}

describe("the replicas that a page may use", () => {
  it("are those that were told, ports by the page's own host", () => {
    expect(three().all).toEqual([OWN, NEXT, LAST]);
  });

  it("are its own alone while nobody told of others, and where it came from an address in front of them", () => {
    const bases = new Bases("http://192.168.1.5:8100");
    expect(bases.all).toEqual(["http://192.168.1.5:8100"]);
    bases.learn([":8000", ":8001"]);
    expect(bases.all).toEqual(["http://192.168.1.5:8100"]);
  });

  it("are none without TLS for a page that came by it", () => {
    const bases = new Bases("https://a.example");
    bases.learn(["https://a.example", "http://b.example", "https://c.example:8443"]);
    expect(bases.all).toEqual(["https://a.example", "https://c.example:8443"]);
  });

  it("are not those that are written wrongly, nor ports of an address that no policy can name", () => {
    const bases = new Bases(OWN);
    bases.learn([":8000", "nonsense", "http://"]);
    expect(bases.all).toEqual([OWN]);
    const bracketed = new Bases("http://[::1]:8000");
    bracketed.learn([":8000", ":8001"]);
    expect(bracketed.all).toEqual(["http://[::1]:8000"]);
  });
});

describe("where to try", () => {
  it("is where it was, then everywhere else, then where it was again", () => {
    const bases = three();
    expect([0, 1, 2, 3, 4].map((failures) => bases.candidate(failures))).toEqual([OWN, NEXT, LAST, OWN, NEXT]);
  });

  it("is drawn by chance, so that not all pages of a dead replica go to the same one", () => {
    const draws = [0.9, 0.1];
    const bases = three(() => {
      draws.reverse();
      return draws[1] ?? 0;
    });
    expect([0, 1, 2].map((failures) => bases.candidate(failures))).toEqual([OWN, LAST, NEXT]);
  });

  it("stays where somebody answered until that one fails, though its own is back", () => {
    const bases = three();
    bases.settle(NEXT);
    expect(bases.candidate(0)).toBe(NEXT);
    expect(bases.candidate(1)).toBe(OWN);
  });

  it("is nowhere else while nobody told of others", () => {
    const bases = new Bases(OWN);
    expect([0, 1, 2].map((failures) => bases.candidate(failures))).toEqual([OWN, OWN, OWN]);
  });

  it("takes in what it learns while it fails", () => {
    const bases = new Bases(OWN);
    bases.candidate(0);
    bases.learn([":8000", ":8001"]);
    expect(bases.candidate(1)).toBe(NEXT);
  });
});

describe("a look around", () => {
  it("moves to who answers, past the dead", async () => {
    const bases = three();
    const asked: string[] = [];
    await bases.look(async (base) => {
      asked.push(base);
      return base === LAST;
    });
    expect(asked).toEqual([OWN, NEXT, LAST]);
    expect(bases.current.get()).toBe(LAST);
  });

  it("stays while its own answers, and when nobody does", async () => {
    const bases = three();
    await bases.look(async () => true);
    expect(bases.current.get()).toBe(OWN);
    await bases.look(async () => false);
    expect(bases.current.get()).toBe(OWN);
  });

  it("is one, however many want it", async () => {
    const bases = three();
    let asked = 0;
    const probe = async () => {
      asked += 1;
      return true;
    };
    await Promise.all([bases.look(probe), bases.look(probe)]);
    expect(asked).toBe(1);
  });

  it("asks nobody where there is nobody else", async () => {
    await new Bases(OWN).look(() => Promise.reject(new Error("asked")));
  });
});

describe("an address", () => {
  it("stays as it is until the page has moved", () => {
    const bases = three();
    expect(bases.at("/api/rooms")).toBe("/api/rooms");
    expect(bases.at(`${OWN}/api/proxy?o=1`)).toBe(`${OWN}/api/proxy?o=1`);
  });

  it("leads to the server in use, whichever it was written for", () => {
    const bases = three();
    bases.settle(NEXT);
    expect(bases.at("/api/rooms")).toBe(`${NEXT}/api/rooms`);
    expect(bases.at(`${OWN}/api/proxy?o=1`)).toBe(`${NEXT}/api/proxy?o=1`);
    expect(bases.at(`${LAST}/api/proxy?o=1`)).toBe(`${NEXT}/api/proxy?o=1`);
    bases.settle(OWN);
    expect(bases.at(`${NEXT}/api/proxy?o=1`)).toBe(`${OWN}/api/proxy?o=1`);
    expect(bases.at("/api/rooms")).toBe("/api/rooms");
  });

  it("of somebody else, of the page itself, or of nothing is nobody's to move", () => {
    const bases = three();
    bases.settle(NEXT);
    for (const other of [
      "",
      "blob:http://192.168.1.5:8000/1",
      "data:,a",
      "//evil.example/a",
      `${OWN}1/a`,
      "https://a.example/b",
    ]) {
      expect(bases.at(other)).toBe(other);
    }
  });

  it("never leads to whom nobody told of", () => {
    const bases = three();
    bases.settle("http://evil.example");
    expect(bases.current.get()).toBe(OWN);
  });
});
