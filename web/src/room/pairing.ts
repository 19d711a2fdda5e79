/** The browsers whose extension brings this person's cookies, and the code that connects one more. */
import { ApiError, listBrowsers, makePairingCode, revokeBrowser } from "@/lib/api";
import { Store } from "@/lib/store";
import { t } from "@/text";
import type { PairedBrowser } from "@/wire/wire.gen";

export interface PairingView {
  /** Null until they have been asked for. */
  readonly browsers: readonly PairedBrowser[] | null;
  /** Null while none is shown. */
  readonly code: string | null;
  /** When the code is good no longer, Unix milliseconds. */
  readonly endsAt: number;
  readonly problem: string | null;
  readonly isBusy: boolean;
}

const NOTHING: PairingView = { browsers: null, code: null, endsAt: 0, problem: null, isBusy: false };

export class Pairing {
  readonly view = new Store<PairingView>(NOTHING);

  /** Reads the list. A browser that is new in it has used the code; one that is over is shown no more. */
  async look(now = Date.now()): Promise<void> {
    try {
      const { browsers } = await listBrowsers();
      const known = this.view.get().browsers;
      const isUsed = known !== null && browsers.some(({ id }) => known.every((each) => each.id !== id));
      this.view.patch({ browsers });
      if (isUsed || now > this.view.get().endsAt) this.hide();
    } catch {
      // The rest of the dialog is whole without it; it is asked again soon.
    }
  }

  async show(): Promise<void> {
    await this.change(async () => {
      const { code, expires_at } = await makePairingCode();
      return { code, endsAt: expires_at * 1000 };
    });
  }

  async revoke(id: string): Promise<void> {
    await this.change(async () => {
      await revokeBrowser(id);
      return { browsers: (await listBrowsers()).browsers };
    });
  }

  /** A code that is not on the screen need not be there for the next who looks. */
  hide(): void {
    this.view.patch({ code: null, endsAt: 0, problem: null });
  }

  private async change(work: () => Promise<Partial<PairingView>>): Promise<void> {
    this.view.patch({ isBusy: true, problem: null });
    try {
      this.view.patch({ ...(await work()), isBusy: false });
    } catch (error) {
      this.view.patch({ isBusy: false, problem: error instanceof ApiError ? error.message : t.common.didNotWork });
    }
  }
}
