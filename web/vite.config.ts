import react from "@vitejs/plugin-react";
import { minify, type Plugin, transformWithOxc } from "vite";
import { defineConfig } from "vitest/config";

import { buildTargets } from "./browsers/compat.js";

const START_TARGET = { target: "es2015" };

// The sources of a build. counter_service/toolchain/page.py has the same list.
const SOURCES = ["browsers", "index.html", "package-lock.json", "package.json", "public", "src", "tsconfig.json", "vite.config.ts"];

/** Writes the hashes of the sources into the build, so that a deployment can refuse a build of other sources. */
function sourceStamp(): Plugin {
  let root = "";
  let webSocketUrl = "";
  let stamp = "";
  return {
    name: "source-stamp",
    apply: "build",
    configResolved(config) {
      root = config.root;
      webSocketUrl = String(config.env["VITE_WEBSOCKET_URL"] ?? "");
    },
    // Hash at the start. A file that is edited during the build then has another hash than in the stamp.
    async buildStart() {
      const { readdir, readFile, stat } = this.fs;
      const hashes: Record<string, string> = {};
      const add = async (path: string): Promise<void> => {
        if ((await stat(`${root}/${path}`)).isDirectory()) {
          const names = await readdir(`${root}/${path}`);
          await Promise.all(names.map((name) => add(`${path}/${name}`)));
        } else if (!/(^|\/)\.[^/]*$/.test(path)) {
          const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(await readFile(`${root}/${path}`)));
          hashes[path] = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
        }
      };
      await Promise.all(SOURCES.map(add));
      stamp = JSON.stringify({ sources: hashes, webSocketUrl });
    },
    generateBundle() {
      this.emitFile({ type: "asset", fileName: ".build.json", source: stamp });
    },
  };
}

/** Minifies the script that watches the start, and compiles it for browsers older than the page's target. */
function startScript(): Plugin {
  let path = "";
  return {
    name: "start-script",
    apply: "build",
    configResolved({ publicDir }) {
      path = `${publicDir}/start.js`;
    },
    async generateBundle() {
      const { code } = await transformWithOxc(await this.fs.readFile(path, { encoding: "utf8" }), path, START_TARGET);
      const { code: source } = await minify(path, code, { compress: START_TARGET, module: false });
      this.emitFile({ type: "asset", fileName: "start.js", source }); // replaces the copy of public/start.js
    },
  };
}

export default defineConfig({
  base: "/",
  plugins: [react(), sourceStamp(), startScript()],
  build: {
    target: buildTargets,
    sourcemap: false,
    // The site's content security policy allows its own files only, so nothing may become a data: URL.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    unstubGlobals: true,
    coverage: {
      provider: "v8",
      reporter: ["text"],
      include: ["src/**/*.{ts,tsx}"],
      // main.tsx only wires the parts to the document; the browser tests drive it.
      exclude: ["src/main.tsx", "src/**/*.d.ts"],
      thresholds: { statements: 95, branches: 95, functions: 95, lines: 95 },
    },
  },
});
