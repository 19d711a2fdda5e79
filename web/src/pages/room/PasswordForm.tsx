import { type FormEvent, useState } from "react";
import { ApiError, joinRoom } from "@/lib/api";
import type { RoomSession } from "@/room/session";
import { Button } from "@/ui/Button";

const problems: Readonly<Record<string, string>> = {
  wrong_password: "That is not the password. Try again.",
  too_many_requests: "Too many tries. Wait a minute, then try again.",
};

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
      setProblem(error instanceof ApiError ? (problems[error.code] ?? error.message) : "That did not work. Try again.");
    }
    setBusy(false);
  };

  return (
    <form onSubmit={submit} className="mt-6 flex w-full flex-col gap-3">
      <input
        type="password"
        aria-label="Password"
        placeholder="Password"
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
        Come in
      </Button>
    </form>
  );
}
