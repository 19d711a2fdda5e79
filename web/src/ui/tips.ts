import { Tooltip } from "@base-ui/react/tooltip";

/** Joins what has a tip to the one popup. */
export const tips = Tooltip.createHandle<string>();
