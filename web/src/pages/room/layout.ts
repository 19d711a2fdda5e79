/** How the room is laid out, and what changes that. */
export interface Layout {
  readonly isPanelOpen: boolean;
  readonly isTheatre: boolean;
  readonly isFullscreen: boolean;
  togglePanel(): void;
  toggleTheatre(): void;
  toggleFullscreen(): void;
  toggleHelp(): void;
  readonly hasFigures: boolean;
  toggleDiagnostics(): void;
}
