/** What the extension asks of a Watch Together server. Every answer is checked. */
import { conform } from "../../web/src/wire/schema";
import type { CookieList, ErrorBody, Paired, PairRequest } from "../../web/src/wire/wire.gen";

const DEADLINE_MS = 20_000;

/** `code` is the server's, or `offline`, or `no_server` where something else answers. */
export class ServerError extends Error {
  constructor(
    readonly code: string,
    readonly retryAfterMs: number | null = null,
  ) {
    super(code);
  }
}

/** Exchanges a code for this browser's token. Throws ServerError. */
export async function pair(server: string, code: string, browser: string): Promise<Paired> {
  const request: PairRequest = { code, browser };
  return (await ask("Paired", server, "pair", { method: "POST", body: JSON.stringify(request) })) as Paired;
}

/** One paired server. Every method throws ServerError. */
export class Server {
  constructor(
    private readonly server: string,
    private readonly token: string,
  ) {}

  /** Keeps cookies; of their sites nothing older stays. */
  async bring(text: string): Promise<CookieList> {
    return (await this.ask("CookieList", "cookies", { method: "POST", body: text })) as CookieList;
  }

  /** Deletes a site's cookies. That there were none is no error. */
  async forget(site: string): Promise<void> {
    try {
      await this.ask(null, `cookies?domain=${encodeURIComponent(site)}`, { method: "DELETE" });
    } catch (error) {
      if (!(error instanceof ServerError && error.code === "not_found")) throw error;
    }
  }

  /** Gives the token back. */
  async unpair(): Promise<void> {
    await this.ask(null, "pair", { method: "DELETE" });
  }

  private ask(shape: string | null, path: string, request: RequestInit): Promise<unknown> {
    return ask(shape, this.server, path, { ...request, headers: { authorization: `Bearer ${this.token}` } });
  }
}

async function ask(shape: string | null, server: string, path: string, request: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(`${server}/api/extension/${path}`, {
      ...request,
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
      cache: "no-store",
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
  } catch {
    throw new ServerError("offline");
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw refusal(body);
  try {
    return shape === null ? null : conform(shape, body);
  } catch {
    throw new ServerError("no_server");
  }
}

function refusal(body: unknown): ServerError {
  try {
    const { error } = conform("ErrorBody", body) as ErrorBody;
    return new ServerError(error.code, error.retry_after_ms);
  } catch {
    return new ServerError("no_server");
  }
}
