import { type FormEvent, useState } from "react";
import { ApiError } from "@/lib/api";
import { t } from "@/text";
import { Avatar } from "@/ui/Avatar";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/TextField";

interface Props {
  readonly roomId: string;
  readonly suggestion: string;
  readonly onAnswer: (name: string) => Promise<void>;
}

export default function NamePrompt({ roomId, suggestion, onAnswer }: Props) {
  const [name, setName] = useState(suggestion);
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const trimmed = name.trim();

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (trimmed === "") return;
    setBusy(true);
    try {
      await onAnswer(trimmed);
    } catch (error) {
      setBusy(false);
      setProblem(error instanceof ApiError ? error.message : t.common.didNotWork);
    }
  };

  return (
    <Dialog title={t.entering.askName} description={t.entering.aboutToJoin(roomId)} isOpen>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <div className="flex items-center gap-3">
          <Avatar id={trimmed} name={trimmed} />
          <TextField
            label={t.entering.yourName}
            value={name}
            maxLength={40}
            autoComplete="nickname"
            autoFocus
            onFocus={(event) => event.target.select()}
            onChange={(event) => setName(event.target.value)}
          />
        </div>
        {problem && (
          <p role="alert" className="text-bad">
            {problem}
          </p>
        )}
        <Button look="primary" type="submit" disabled={trimmed === "" || isBusy}>
          {t.entering.join}
        </Button>
      </form>
    </Dialog>
  );
}
