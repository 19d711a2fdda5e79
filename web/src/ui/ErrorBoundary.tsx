import { CircleAlert } from "lucide-react";
import { Component, type ReactNode } from "react";
import { t } from "@/text";
import { Button } from "./Button";

interface Props {
  readonly children: ReactNode;
}

interface State {
  readonly problem: string | null;
}

/** A defect of ours must not leave an empty page: it says so, and how to go on. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { problem: null };

  static getDerivedStateFromError(error: unknown): State {
    return { problem: error instanceof Error ? error.message : String(error) };
  }

  override render(): ReactNode {
    const { problem } = this.state;
    if (problem === null) return this.props.children;
    return (
      <main className="grid h-dvh place-items-center p-6">
        <div role="alert" className="flex w-full max-w-sm flex-col items-center text-center">
          <span className="mb-5 grid size-14 place-items-center rounded-full bg-raised text-dim">
            <CircleAlert size={26} aria-hidden />
          </span>
          <h1 className="text-lg font-semibold">{t.broken.title}</h1>
          <p className="mt-2 text-pretty text-dim">{t.broken.text}</p>
          <Button look="primary" className="mt-6" onClick={() => location.reload()}>
            {t.endings.reload}
          </Button>
          <details className="mt-4 text-xs text-dim">
            <summary className="cursor-pointer">{t.stage.details}</summary>
            <code className="break-all">{problem}</code>
          </details>
        </div>
      </main>
    );
  }
}
