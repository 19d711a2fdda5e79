import { MenuPopup } from "./MenuPopup";
import { TipPopup } from "./TipPopup";

/** What all menus and all tips are shown by. */
export function PopupsNow() {
  return (
    <>
      <TipPopup />
      <MenuPopup />
    </>
  );
}
