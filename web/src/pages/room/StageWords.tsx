import { Spinner } from "@/ui/Spinner";

/** The stage while something is on its way. */
export function StageWords({ text, detail }: { readonly text: string; readonly detail?: string }) {
  return (
    <div className="absolute inset-0 grid place-items-center p-6 text-center">
      <div className="flex max-w-md flex-col items-center gap-4">
        <Spinner className="size-9" />
        <div>
          <p className="font-medium">{text}</p>
          {detail && <p className="mt-1 line-clamp-1 text-sm break-all text-dim">{detail}</p>}
        </div>
      </div>
    </div>
  );
}
