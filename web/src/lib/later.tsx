/** Parts of the page that its first picture does without. */
import { type ComponentType, useEffect, useState } from "react";

interface OpenProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

type Props<P> = P & { readonly load: () => Promise<ComponentType<P>> };

/** A dialog that is loaded when it is first opened. Where it cannot be had it closes again. */
export function DialogLater<P extends OpenProps>({ load, ...rest }: Props<P>) {
  const [Loaded, setLoaded] = useState<ComponentType<P> | null>(null);
  const props = rest as unknown as P;
  const isWanted = props.isOpen && Loaded === null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `load` and `onClose` are other functions with every drawing
  useEffect(() => {
    if (isWanted) load().then((found) => setLoaded(() => found), props.onClose);
  }, [isWanted]);
  return Loaded === null ? null : <Loaded {...props} />;
}
