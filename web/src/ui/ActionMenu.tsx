import { Menu } from "@base-ui/react/menu";
import type { ReactElement } from "react";
import { type Actions, menus } from "./menus";

export type { Action } from "./menus";

interface Props extends Pick<Actions, "actions"> {
  readonly trigger: ReactElement;
  readonly side?: Actions["side"];
}

/** What can be done with one thing, behind a button. */
export function ActionMenu({ trigger, actions, side = "bottom" }: Props) {
  return <Menu.Trigger handle={menus} payload={{ kind: "actions", actions, side }} render={trigger} />;
}
