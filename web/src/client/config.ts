/** Where the counter lives. One bundle serves every deployment, so the address is read when the page loads. */

import { DEFAULT_TIMES, type Times } from "./times";

/** The address, or a sentence that tells the reader what to do about not having one. */
export type Config = { webSocketUrl: string; times: Times } | { problem: string };

export interface ConfigSource {
  /** Wins over the file, so that development needs none. */
  override: string | undefined;
  fetch: (path: string, init: RequestInit) => Promise<Response>;
  /** The page's own protocol, "https:" or "http:". */
  pageProtocol: string;
}

const PATH = "/config.json";
// Below the one the page would hammer the server, above the other API Gateway would hang up first.
const SHORTEST_MS = 50;
const LONGEST_MS = 300_000;
const EXAMPLE = '{"webSocketUrl": "wss://…"}';
const REMEDY =
  `Deploy the stack, which writes ${PATH} next to index.html, ` +
  "or set VITE_WEBSOCKET_URL and restart the development server.";

/** Never rejects: what goes wrong is an answer, too. */
export async function loadConfig(source: ConfigSource): Promise<Config> {
  const override = source.override?.trim();
  if (override) return checked(override, "VITE_WEBSOCKET_URL", source.pageProtocol, DEFAULT_TIMES);

  let body: string;
  try {
    const response = await source.fetch(PATH, { cache: "no-store" });
    if (response.status === 404 || response.status === 403) {
      return { problem: `${PATH} is missing (HTTP ${response.status}). ${REMEDY}` };
    }
    if (!response.ok) {
      return { problem: `The server answered HTTP ${response.status} for ${PATH}. Reload the page in a moment.` };
    }
    body = await response.text();
  } catch {
    return { problem: `${PATH} could not be loaded. Check your connection and reload the page.` };
  }

  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    // Servers of single-page apps answer with index.html for any file that they do not have.
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
    const given = fields[key] ?? DEFAULT_TIMES[key];
    if (typeof given !== "number" || !(given >= SHORTEST_MS && given <= LONGEST_MS)) {
      return { problem: `${key} in ${PATH} should be a number of milliseconds from ${SHORTEST_MS} to ${LONGEST_MS}.` };
    }
    times[key] = given;
  }
  return checked(url.trim(), `webSocketUrl in ${PATH}`, source.pageProtocol, times);
}

function checked(text: string, name: string, pageProtocol: string, times: Times): Config {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // WebSocket constructors refuse a fragment.
  const isWebSocketUrl = (url?.protocol === "ws:" || url?.protocol === "wss:") && url.hash === "";
  if (!isWebSocketUrl) {
    return { problem: `${name} is “${text}”, which is not a WebSocket URL. It should start with wss://.` };
  }
  if (pageProtocol === "https:" && url.protocol === "ws:") {
    return { problem: `${name} is “${text}”, which a page served over https may not open. Use a wss:// URL.` };
  }
  return { webSocketUrl: text, times };
}
