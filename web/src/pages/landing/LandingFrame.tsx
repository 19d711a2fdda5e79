import { ArrowRight, Link2, ListVideo, Users } from "lucide-react";
import type { FormEvent, ReactNode } from "react";
import { t } from "@/text";
import { Button } from "@/ui/Button";
import { Spinner } from "@/ui/Spinner";
import { Wordmark } from "@/ui/Wordmark";

interface Props {
  readonly buttons: ReactNode;
  readonly wish: ReactNode;
  readonly children: ReactNode;
}

/** What the first page always shows, around what it learns. */
export function LandingFrame({ buttons, wish, children }: Props) {
  return (
    <div className="flex min-h-dvh flex-col">
      <header className="flex h-16 items-center justify-between px-4 sm:px-8">
        <span className="flex items-center gap-2.5 font-semibold tracking-[-0.01em]">
          <Wordmark /> {t.app.name}
        </span>
        <span className="flex items-center gap-1">{buttons}</span>
      </header>
      <main className="mx-auto flex w-full max-w-[920px] flex-1 flex-col px-4 pb-16 sm:px-8">
        <section className="mx-auto w-full max-w-[640px] pt-[min(14vh,8rem)] text-center">
          <h1 className="text-[clamp(1.75rem,5.5vw,2.75rem)] leading-[1.12] font-semibold tracking-[-0.028em]">
            {t.landing.headline}
          </h1>
          {wish}
        </section>
        {children}
      </main>
    </div>
  );
}

interface WishProps {
  readonly isBusy?: boolean;
  readonly hasProblem?: boolean;
  /** Without it nobody listens yet: what is typed is kept. */
  readonly value?: string;
  readonly onChange?: (text: string) => void;
  readonly onSubmit?: (event: FormEvent) => void;
  readonly children?: ReactNode;
}

/** The one field, and its button. */
export function WishBox({ isBusy = false, hasProblem = false, value, onChange, onSubmit, children }: WishProps) {
  return (
    <form onSubmit={onSubmit} className="mt-9">
      <div className="flex items-center gap-2 rounded-[14px] border border-line bg-panel p-1.5 shadow-float transition-colors duration-120 focus-within:border-accent/70 max-sm:flex-col max-sm:items-stretch">
        <input
          aria-label={t.landing.wish}
          placeholder={t.landing.wish}
          className="h-12 min-w-0 flex-1 rounded-control bg-transparent px-3.5 text-base outline-none placeholder:text-dim max-sm:flex-none"
          value={value}
          // biome-ignore lint/a11y/noAutofocus: the page has this one purpose
          autoFocus
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          enterKeyHint="go"
          maxLength={2048}
          aria-invalid={hasProblem}
          aria-describedby="wish-problem"
          onChange={onChange && ((event) => onChange(event.target.value))}
        />
        <Button look="primary" type="submit" className="h-12 rounded-[9px] px-5 text-base" disabled={isBusy}>
          {isBusy ? <Spinner className="size-4" /> : null}
          {t.landing.open}
          {isBusy ? null : <ArrowRight size={18} aria-hidden />}
        </Button>
      </div>
      {children}
    </form>
  );
}

const steps = [
  ["paste", Link2],
  ["send", Users],
  ["watch", ListVideo],
] as const;

export function Steps() {
  return (
    <ul className="mx-auto mt-auto grid w-full gap-x-10 gap-y-4 pt-16 text-dim sm:grid-cols-3">
      {steps.map(([step, Icon]) => (
        <li key={step} className="flex gap-3 sm:flex-col sm:gap-2">
          <Icon size={18} className="mt-0.5 shrink-0 text-accent-text" aria-hidden />
          <span className="text-pretty">{t.landing.steps[step]}</span>
        </li>
      ))}
    </ul>
  );
}
