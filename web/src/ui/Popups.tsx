import { Tooltip } from "@base-ui/react/tooltip";
import { type ComponentType, type ReactNode, useEffect, useState } from "react";

/** Where menus and tips come from. What shows them is loaded behind the first picture, which has neither. */
export function Popups({ children }: { readonly children: ReactNode }) {
  const [Loaded, setLoaded] = useState<ComponentType | null>(null);
  useEffect(() => {
    import("./PopupsNow").then(
      ({ PopupsNow }) => setLoaded(() => PopupsNow),
      // A server that was updated since: the page is loaded again.
      () => undefined,
    );
  }, []);
  return (
    <Tooltip.Provider delay={450}>
      {children}
      {Loaded !== null && <Loaded />}
    </Tooltip.Provider>
  );
}
