import { Menu } from "@base-ui/react/menu";
import type { ReactElement } from "react";
import { type Choice, menus } from "./menus";

interface Props extends Omit<Choice, "kind"> {
  readonly trigger: ReactElement;
}

/** One of several, behind a button. */
export function ChoiceMenu({ trigger, ...choice }: Props) {
  return <Menu.Trigger handle={menus} payload={{ kind: "choice", ...choice }} render={trigger} />;
}
