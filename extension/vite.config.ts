import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./",
  publicDir: false,
  build: {
    target: "es2022",
    outDir: "dist/parts",
    // Whoever reviews the package reads what runs.
    minify: false,
    modulePreload: false,
    rollupOptions: {
      input: { background: "src/background.ts", popup: "popup.html" },
      // Names without hashes: the same sources make the same package.
      output: { entryFileNames: "[name].js", chunkFileNames: "[name].js", assetFileNames: "[name][extname]" },
    },
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
