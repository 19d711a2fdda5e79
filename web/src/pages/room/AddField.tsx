import { Plus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { readLink } from "@/lib/links";
import type { RoomSession } from "@/room/session";
import { Button } from "@/ui/Button";
import { TextField } from "@/ui/TextField";

export function AddField({ session }: { readonly session: RoomSession }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | null>(null);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const url = readLink(text);
    if (url === null) {
      setProblem(text.trim() === "" ? null : "That is not a link. It should begin with https://");
      return;
    }
    session.add(url);
    setText("");
  };

  return (
    <form
      onSubmit={submit}
      className="shrink-0 border-t border-line p-3 pb-[max(0.75rem,env(safe-area-inset-bottom))]"
      noValidate
    >
      {problem && (
        <p role="alert" className="mb-2 text-sm text-bad">
          {problem}
        </p>
      )}
      <div className="flex gap-2">
        <TextField
          label="Paste a link"
          inputMode="url"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          enterKeyHint="send"
          maxLength={2048}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setProblem(null);
          }}
        />
        <Button look="primary" type="submit">
          <Plus size={18} aria-hidden />
          Add
        </Button>
      </div>
    </form>
  );
}
