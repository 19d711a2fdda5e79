import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const services = "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  build: {
    target: "es2022",
    // A data: address for an icon would need a looser content security policy.
    assetsInlineLimit: 0,
    // Which files the first picture of each place needs: a test adds them up.
    manifest: true,
    // The players are large and loaded on demand.
    chunkSizeWarningLimit: 1200,
  },
  server: {
    proxy: {
      "/api": services,
      "/ws": { target: services, ws: true },
    },
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
