import { Check, Copy, X } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "@/ui/Button";
import { Spinner } from "@/ui/Spinner";
import { Wordmark } from "@/ui/Wordmark";
import { CHECKS, type Finding, report, run } from "./checks";

/** One screen that tells what works between this browser and this server. */
export default function Doctor() {
  const [findings, setFindings] = useState<readonly Finding[]>([]);
  const [isCopied, setCopied] = useState(false);
  const isDone = findings.length === CHECKS.length;
  useEffect(() => {
    let isGone = false;
    document.title = "Check · Watch Together";
    void (async () => {
      for (const [name, check] of CHECKS) {
        const finding = await run(name, check);
        if (isGone) return;
        setFindings((held) => [...held, finding]);
      }
    })();
    return () => {
      isGone = true;
    };
  }, []);
  const bad = findings.filter(({ isGood }) => !isGood).length;

  return (
    <main className="mx-auto min-h-dvh max-w-2xl px-4 py-8">
      <a href="/" aria-label="Watch Together, all rooms" className="inline-block rounded-control">
        <Wordmark />
      </a>
      <h1 className="mt-6 text-xl font-semibold tracking-[-0.02em]">Does it work here?</h1>
      <p role="status" className="mt-1 text-dim">
        {!isDone
          ? "Trying everything that a room needs…"
          : bad === 0
            ? "Everything works."
            : `${bad} of ${findings.length} need a look.`}
      </p>
      <ul
        aria-label="Findings"
        className="mt-6 divide-y divide-line overflow-hidden rounded-panel border border-line bg-panel"
      >
        {CHECKS.map(([name], place) => (
          <Line key={name} name={name} finding={findings[place] ?? null} />
        ))}
      </ul>
      <Button
        className="mt-5"
        disabled={!isDone}
        onClick={() => void navigator.clipboard.writeText(report(findings)).then(() => setCopied(true))}
      >
        <Copy size={16} aria-hidden /> {isCopied ? "Copied" : "Copy for a report"}
      </Button>
    </main>
  );
}

function Line({ name, finding }: { readonly name: string; readonly finding: Finding | null }) {
  return (
    <li className="flex gap-3 px-4 py-2.5 text-sm">
      <span className="grid size-5 shrink-0 place-items-center">
        {finding === null ? (
          <Spinner className="size-4" />
        ) : finding.isGood ? (
          <Check size={17} className="text-good" aria-label="Good" />
        ) : (
          <X size={17} className="text-bad" aria-label="Not good" />
        )}
      </span>
      <span className="w-36 shrink-0 font-medium max-sm:w-24">{name}</span>
      <span className="min-w-0 break-words text-dim">{finding?.text ?? "…"}</span>
    </li>
  );
}
