import { Monitor, Moon, Sun } from "lucide-react";
import { useStore } from "@/lib/store";
import { setTheme, type Theme, theme } from "@/lib/theme";
import { t } from "@/text";
import { cx } from "./classes";
import { IconButton } from "./IconButton";

const themes = [
  { value: "system", icon: Monitor },
  { value: "dark", icon: Moon },
  { value: "light", icon: Sun },
] as const satisfies readonly { value: Theme; icon: typeof Sun }[];

/** Steps through the themes. */
export function ThemeButton() {
  const chosen = useStore(theme, (value) => value);
  const index = themes.findIndex((each) => each.value === chosen);
  const current = themes[index] ?? themes[0];
  const next = themes[(index + 1) % themes.length] ?? themes[0];
  const Icon = current.icon;
  return (
    <IconButton
      label={t.theme.labelled(current.value === "system" ? t.theme.likeSystem : t.theme[current.value])}
      onClick={() => setTheme(next.value)}
    >
      <Icon size={18} className="text-dim" />
    </IconButton>
  );
}

/** All of them side by side. */
export function ThemeChoice() {
  const chosen = useStore(theme, (value) => value);
  return (
    <fieldset className="grid grid-cols-3 gap-1 rounded-control bg-raised p-1">
      <legend className="sr-only">{t.theme.label}</legend>
      {themes.map(({ value, icon: Icon }) => (
        <button
          key={value}
          type="button"
          aria-pressed={chosen === value}
          onClick={() => setTheme(value)}
          className={cx(
            "flex h-10 touch:h-11 items-center justify-center gap-2 rounded-[6px] text-sm transition-colors duration-120 max-[360px]:[&>svg]:hidden",
            chosen === value ? "bg-panel font-medium text-ink shadow-sm" : "text-dim hover:text-ink",
          )}
        >
          <Icon size={16} aria-hidden />
          {t.theme[value]}
        </button>
      ))}
    </fieldset>
  );
}
