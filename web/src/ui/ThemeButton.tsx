import { Monitor, Moon, Sun } from "lucide-react";
import { useStore } from "@/lib/store";
import { setTheme, type Theme, theme } from "@/lib/theme";
import { cx } from "./classes";
import { IconButton } from "./IconButton";

const themes = [
  { value: "system", label: "Like the system", icon: Monitor },
  { value: "dark", label: "Dark", icon: Moon },
  { value: "light", label: "Light", icon: Sun },
] as const satisfies readonly { value: Theme; label: string; icon: typeof Sun }[];

/** Steps through the themes. */
export function ThemeButton() {
  const chosen = useStore(theme, (value) => value);
  const index = themes.findIndex((each) => each.value === chosen);
  const current = themes[index] ?? themes[0];
  const next = themes[(index + 1) % themes.length] ?? themes[0];
  const Icon = current.icon;
  return (
    <IconButton label={`Theme: ${current.label}`} onClick={() => setTheme(next.value)}>
      <Icon size={18} className="text-dim" />
    </IconButton>
  );
}

/** All of them side by side. */
export function ThemeChoice() {
  const chosen = useStore(theme, (value) => value);
  return (
    <fieldset className="grid grid-cols-3 gap-1 rounded-control bg-raised p-1">
      <legend className="sr-only">Theme</legend>
      {themes.map(({ value, label, icon: Icon }) => (
        <button
          key={value}
          type="button"
          aria-pressed={chosen === value}
          onClick={() => setTheme(value)}
          className={cx(
            "flex h-10 items-center justify-center gap-2 rounded-[6px] text-sm transition-colors duration-120",
            chosen === value ? "bg-panel font-medium text-ink shadow-sm" : "text-dim hover:text-ink",
          )}
        >
          <Icon size={16} aria-hidden />
          {value === "system" ? "System" : label}
        </button>
      ))}
    </fieldset>
  );
}
