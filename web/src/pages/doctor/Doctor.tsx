import { Check, Copy, X } from "lucide-react";
import { useEffect, useState } from "react";
import { copyText } from "@/lib/copy";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { Spinner } from "@/ui/Spinner";
import { Wordmark } from "@/ui/Wordmark";
import { CHECKS, type CheckName, type Finding, report, run } from "./checks";

/** One screen that tells what works between this browser and this server. */
export default function Doctor() {
  const [findings, setFindings] = useState<readonly Finding[]>([]);
  const [isCopied, setCopied] = useState(false);
  const isDone = findings.length === CHECKS.length;
  useEffect(() => {
    let isGone = false;
    document.title = t.doctor.tab;
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
      <a
        href="/"
        aria-label={t.app.home}
        className="-ml-1 inline-grid size-9 place-items-center rounded-control touch:size-11"
      >
        <Wordmark />
      </a>
      <h1 className="mt-6 text-xl font-semibold tracking-[-0.02em]">{t.doctor.title}</h1>
      <p role="status" className="mt-1 text-dim">
        {!isDone ? t.doctor.trying : bad === 0 ? t.doctor.works : t.doctor.needLook(bad, findings.length)}
      </p>
      <ul
        aria-label={t.doctor.findings}
        className="mt-6 divide-y divide-line overflow-hidden rounded-panel border border-line bg-panel"
      >
        {CHECKS.map(([name], place) => (
          <Line key={name} name={name} finding={findings[place] ?? null} />
        ))}
      </ul>
      <Button className="mt-5" disabled={!isDone} onClick={async () => setCopied(await copyText(report(findings)))}>
        <Copy size={16} aria-hidden /> {isCopied ? t.common.copied : t.doctor.copy}
      </Button>
    </main>
  );
}

function Line({ name, finding }: { readonly name: CheckName; readonly finding: Finding | null }) {
  return (
    <li className="flex gap-3 px-4 py-2.5 text-sm">
      <span className="grid size-5 shrink-0 place-items-center">
        {finding === null ? (
          <Spinner className="size-4" />
        ) : finding.isGood ? (
          <Check size={17} className="text-good" aria-label={t.doctor.good} />
        ) : (
          <X size={17} className="text-bad" aria-label={t.doctor.bad} />
        )}
      </span>
      <span className="w-36 shrink-0 font-medium max-sm:w-24">{t.doctor.checks[name]}</span>
      <span className="min-w-0 break-words text-dim">{finding?.text ?? "…"}</span>
    </li>
  );
}
