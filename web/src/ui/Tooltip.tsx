import { Tooltip } from "@base-ui/react/tooltip";
import type { ReactElement } from "react";
import { tips } from "./tips";

/** Says what a picture means, to those who rest on it. */
export function Tip({ text, children }: { readonly text: string; readonly children: ReactElement }) {
  return <Tooltip.Trigger handle={tips} payload={text} render={children} />;
}
