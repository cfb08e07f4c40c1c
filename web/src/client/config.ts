/** The page's configuration, read when it loads, because one build serves every deployment. */

import { DEFAULT_TIMES, type Times } from "./times";

/** The server's address and the settings of the WebSocket, or a problem: a sentence that says what to do. */
export type Config =
  | {
      webSocketUrl: string;
      times: Times;
      /** Subprotocols to offer, with the token among them. */
      protocols?: string[];
    }
  | { problem: string };

/** The sources of the configuration. A test passes its own. */
export interface ConfigSource {
  /** An address that replaces the file, so that development needs no file. */
  override: string | undefined;
  fetch: (path: string, init: RequestInit) => Promise<Response>;
  /** The page's own address, http: or https:. A path in config.json is resolved against it. */
  pageAddress: string;
}

const PATH = "/config.json";
// Shorter times would overload the server. With longer ones API Gateway could close the connection first.
const MIN_MS = 50;
const MAX_MS = 300_000;
const EXAMPLE = '{"webSocketUrl": "wss://…"}';
const REMEDY =
  `Deploy the stack, which writes ${PATH} next to index.html, ` +
  "or set VITE_WEBSOCKET_URL and restart the development server.";

/** Reads and checks the configuration. Never rejects: a failure becomes a `problem`. */
export async function loadConfig(source: ConfigSource): Promise<Config> {
  const override = source.override?.trim();
  if (override) return checkUrl(override, "VITE_WEBSOCKET_URL", source.pageAddress, DEFAULT_TIMES);

  let body: string;
  try {
    const response = await source.fetch(PATH, { cache: "no-store" });
    if (response.status === 404 || response.status === 403) {
      return { problem: `${PATH} is missing (HTTP ${response.status}). ${REMEDY}` };
    }
    if (!response.ok) {
      return { problem: `The server returned HTTP ${response.status} for ${PATH}. Wait a moment.` };
    }
    body = await response.text();
  } catch {
    return { problem: `${PATH} could not be loaded. Check your connection.` };
  }

  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    // Servers of single-page apps return index.html in place of a missing file.
    const isPage = body.trimStart().startsWith("<");
    return {
      problem: isPage
        ? `${PATH} is missing: the server sent an HTML page in its place. ${REMEDY}`
        : `${PATH} is not valid JSON. It should read ${EXAMPLE}.`,
    };
  }

  const fields = (json ?? {}) as Record<string, unknown>;
  const url = fields["webSocketUrl"];
  if (typeof url !== "string") {
    return { problem: `${PATH} has no text under the key "webSocketUrl". It should read ${EXAMPLE}.` };
  }
  const times = { ...DEFAULT_TIMES };
  for (const key of Object.keys(DEFAULT_TIMES) as (keyof Times)[]) {
    const value = fields[key] ?? DEFAULT_TIMES[key];
    if (typeof value !== "number" || !(value >= MIN_MS && value <= MAX_MS)) {
      return { problem: `${key} in ${PATH} should be a number of milliseconds from ${MIN_MS} to ${MAX_MS}.` };
    }
    times[key] = value;
  }
  return checkUrl(url.trim(), `webSocketUrl in ${PATH}`, source.pageAddress, times);
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function checkUrl(text: string, name: string, pageAddress: string, times: Times): Config {
  const secure = pageAddress.startsWith("https:");
  // A local run writes a path, because the page may reach it through a forwarded port.
  const address = /^\/(?!\/)/u.test(text) ? new URL(text, pageAddress).href.replace(/^http/u, "ws") : text;
  const url = parseUrl(address);
  // The WebSocket constructor throws if the URL has a fragment.
  const isWebSocketUrl = (url?.protocol === "ws:" || url?.protocol === "wss:") && url.hash === "";
  if (!isWebSocketUrl) {
    return { problem: `${name} is “${text}”, which is not a WebSocket URL. It should start with wss://.` };
  }
  if (secure && url.protocol === "ws:") {
    return { problem: `${name} is “${text}”, which a page served over https may not open. Use a wss:// URL.` };
  }
  return { webSocketUrl: address, times };
}
