/** The imports of src/: which folder may use which, and that there is no import cycle. */

import { expect, it } from "vitest";

const sources = import.meta.glob<string>("../src/**/*.{ts,tsx}", { eager: true, import: "default", query: "?raw" });

/** Path below src/, without the ending, such as "client/store". */
const moduleName = (path: string) => path.replace(/^\.\.\/src\//u, "").replace(/\.(?:d\.)?tsx?$/u, "");

/** The module or package that a specifier names in a module of that folder. */
function resolve(specifier: string, folder: string): string {
  if (!specifier.startsWith(".")) return `package:${specifier}`;
  return new URL(specifier, `file:///${folder}`).pathname.slice(1);
}

const IMPORT = /^(?:import|export) (?:[^;"']* from )?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gmu;

/** The imports of each module, including types. Style sheets keep their ending. */
const imports = new Map(
  Object.entries(sources).map(([path, text]) => {
    const name = moduleName(path);
    const folder = name.slice(0, name.lastIndexOf("/") + 1);
    return [name, [...text.matchAll(IMPORT)].map((found) => resolve(found[1] ?? found[2] ?? "", folder))] as const;
  }),
);

/** Imports of the modules in a folder that do not start with one of the prefixes, each as "module -> import". */
function strays(folder: string, allowed: string[]): string[] {
  return [...imports].flatMap(([name, names]) =>
    name.startsWith(folder)
      ? names.filter((each) => !allowed.some((prefix) => each.startsWith(prefix))).map((each) => `${name} -> ${each}`)
      : [],
  );
}

/** The first import cycle on a walk from the module, as a path; undefined if there is none. */
function cycle(name: string, path: string[] = []): string[] | undefined {
  if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
  for (const next of imports.get(name) ?? []) {
    const found = cycle(next, [...path, name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

it("reads the imports of every folder of src/", () => {
  expect(imports.get("main")).toEqual(expect.arrayContaining(["main.css", "App", "client/config", "package:react"]));
  expect(imports.get("client/store")).toContain("client/counter-socket");
  expect(imports.get("ui/use-counter")).toEqual(["package:react", "client/store", "client/times"]);
});

it("keeps client/ free of React, of packages and of every other folder", () => {
  expect(strays("client/", ["client/"])).toEqual([]);
});

it("lets ui/ import only React, client/ and itself", () => {
  expect(strays("ui/", ["package:react", "client/", "ui/"])).toEqual([]);
});

it("finds no import cycle in src/", () => {
  expect([...imports.keys()].map((name) => cycle(name)).filter(Boolean)).toEqual([]);
});
