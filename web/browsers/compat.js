/** The browsers that the page supports, and the functions that browsers lack according to MDN's data. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));
const require = createRequire(import.meta.url);
// oxlint-disable-next-line no-underscore-dangle
const { __meta: meta, api, browsers: browserData, javascript } = readJson(require.resolve("@mdn/browser-compat-data"));

// Names in package.json, and in the data. On Android, Chrome and Firefox have the engine and version of the desktop.
const BROWSERS = {
  chrome: ["chrome", "chrome_android"],
  edge: ["edge"],
  firefox: ["firefox", "firefox_android"],
  ios_saf: ["safari_ios"],
  safari: ["safari"],
};

const features = readFeatures();

/** The oldest supported browsers: pairs of a name in package.json and a version. */
const supported = readJson(new URL("../package.json", import.meta.url)).browserslist.map((entry) => {
  const [, name, version] = /^(\w+) >= ([\d.]+)$/u.exec(entry) ?? [];
  if (!(name in BROWSERS)) {
    throw new Error(
      `"${entry}" in the browserslist of package.json should read like "chrome >= 111", ` +
        `with one of ${Object.keys(BROWSERS).join(", ")}.`,
    );
  }
  return [name, version];
});

/** The same as build targets of Vite, such as "chrome111". */
export const buildTargets = supported.map(([name, version]) => name.replace("_saf", "") + version);

/** The same as a map from the data's name of the browser to its version. */
export const supportedBrowsers = Object.fromEntries(
  supported.flatMap(([name, version]) => BROWSERS[name].map((browser) => [browser, version])),
);

/** The newest browsers that had been released so many years before the data, as such a map. */
export function browsersOfYearsAgo(years) {
  const day = new Date(meta.timestamp);
  day.setUTCFullYear(day.getUTCFullYear() - years);
  const last = day.toISOString().slice(0, 10);
  const newest = (releases) =>
    Object.keys(releases)
      .filter((version) => releases[version].release_date <= last)
      .toSorted(compare)
      .at(-1);
  return Object.fromEntries(
    Object.values(BROWSERS)
      .flat()
      .map((browser) => [browser, newest(browserData[browser].releases)]),
  );
}

/**
 * Globals and their members that at least one of the browsers lacks, as paths such as "URL.canParse". A member of a
 * prototype has the same form, because the data does not separate the two for the language's own objects.
 */
export function lackedBy(browsers) {
  return features.flatMap(({ path, support }) =>
    Object.entries(browsers).every(([browser, version]) => has(support[browser], version)) ? [] : [path],
  );
}

/** Names that every object in the data lacks, so that a member with this name is missing whatever its object is. */
export function namesLackedBy(browsers) {
  const lacked = new Set(lackedBy(browsers));
  const present = new Set(features.map(({ path }) => path).filter((path) => !lacked.has(path)).map(nameOf));
  return new Set([...lacked].map(nameOf).filter((name) => !present.has(name)));
}

function nameOf(path) {
  return path.slice(path.lastIndexOf(".") + 1);
}

function has(statements, version) {
  return [statements ?? []].flat().some(
    ({ version_added: added, version_removed: removed, flags, prefix, alternative_name: otherName }) =>
      // "preview" is newer than every version.
      /^≤?\d/u.test(added || "") &&
      compare(added.replace("≤", ""), version) <= 0 &&
      (removed === undefined || compare(String(removed).replace("≤", ""), version) > 0) &&
      !(flags || prefix || otherName),
  );
}

/** Compares two versions, such as "16.4" and "17". */
function compare(one, other) {
  const [first, second] = [one, other].map((version) => version.split(".").map(Number));
  const differs = first.findIndex((part, index) => part !== (second[index] ?? 0));
  return differs < 0 ? first.length - second.length : first[differs] - (second[differs] ?? 0);
}

/** Each global object and function of the language and of the Web, and each of their members. */
function readFeatures() {
  const found = [];
  const add = (path, { __compat: compat }) => compat && found.push({ path, support: compat.support });
  const walk = (prefix, group, depth) => {
    for (const [key, feature] of Object.entries(group)) {
      if (key.startsWith("__") || key.startsWith("@@") || key.endsWith("_event")) continue;
      const name = key.replace(/_static$/u, "");
      // A name with an underscore is an option or a behaviour. An object's own name below it is its constructor.
      if (name.includes("_") || prefix === `${name}.`) continue;
      add(prefix + name, feature);
      // Intl is a namespace of objects.
      if (depth > 0) walk(`${prefix}${name}.`, feature, name === "Intl" ? depth : depth - 1);
    }
  };
  walk("", javascript.builtins, 1);
  walk("", api, 1);
  return found;
}
