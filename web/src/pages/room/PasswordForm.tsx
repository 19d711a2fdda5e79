import { type FormEvent, useState } from "react";
import { ApiError, joinRoom } from "@/lib/api";
import type { RoomSession } from "@/room/session";
import { t } from "@/text";
import { Button } from "@/ui/Button";

export function PasswordForm({ session }: { readonly session: RoomSession }) {
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await joinRoom(session.roomId, password);
      session.connection.retry();
    } catch (error) {
      setProblem(wordsFor(error));
    }
    setBusy(false);
  };

  return (
    <form onSubmit={submit} className="mt-6 flex w-full flex-col gap-3">
      <input
        type="password"
        aria-label={t.entering.password}
        placeholder={t.entering.password}
        autoComplete="off"
        // biome-ignore lint/a11y/noAutofocus: there is nothing else on this screen
        autoFocus
        maxLength={200}
        value={password}
        onChange={(event) => {
          setPassword(event.target.value);
          setProblem(null);
        }}
        className="h-11 rounded-control border border-line bg-raised px-3 text-base outline-none placeholder:text-dim focus:border-accent/70"
      />
      {problem && (
        <p role="alert" className="text-sm text-bad">
          {problem}
        </p>
      )}
      <Button look="primary" type="submit" className="h-11" disabled={password === "" || isBusy}>
        {t.entering.comeIn}
      </Button>
    </form>
  );
}

function wordsFor(error: unknown): string {
  if (!(error instanceof ApiError)) return t.common.didNotWork;
  if (error.code === "wrong_password") return t.entering.wrongPassword;
  return error.code === "too_many_requests" ? t.entering.tooManyTries : error.message;
}
