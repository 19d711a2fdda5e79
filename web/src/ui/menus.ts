import { Menu } from "@base-ui/react/menu";
import type { ReactNode } from "react";

export interface Action {
  readonly label: string;
  readonly icon?: ReactNode;
  readonly isGrave?: boolean;
  run(): void;
}

export interface Actions {
  readonly kind: "actions";
  readonly actions: readonly Action[];
  readonly side: "top" | "bottom";
}

export interface Choice {
  readonly kind: "choice";
  readonly heading: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly value: string;
  readonly onChoose: (value: string) => void;
  /** What to say where there is nothing to choose. */
  readonly empty?: string;
}

/** Joins the menus' buttons to the one popup. */
export const menus = Menu.createHandle<Actions | Choice>();
