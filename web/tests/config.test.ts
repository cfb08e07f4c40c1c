import { describe, expect, it, vi } from "vitest";

import { type Config, type ConfigSource, loadConfig } from "../src/client/config";
import { DEFAULT_TIMES } from "../src/client/times";

const HTML = "<!doctype html>\n<html></html>";
const REMEDY =
  "Deploy the stack, which writes /config.json next to index.html, " +
  "or set VITE_WEBSOCKET_URL and restart the development server.";

function load(body: string, source: Partial<ConfigSource> = {}, status = 200): Promise<Config> {
  const fetch = async () => new Response(body, { status });
  return loadConfig({ override: undefined, fetch, pageProtocol: "https:", ...source });
}

const good = (webSocketUrl: string) => ({ webSocketUrl, times: DEFAULT_TIMES });
const file = (webSocketUrl: unknown) => JSON.stringify({ webSocketUrl });

describe("a good configuration", () => {
  it("reads /config.json without a cache", async () => {
    const fetch = vi.fn<ConfigSource["fetch"]>(async () => new Response(file("wss://a.test/prod")));
    expect(await load("", { fetch })).toEqual(good("wss://a.test/prod"));
    expect(fetch.mock.calls).toEqual([["/config.json", { cache: "no-store" }]]);
  });

  it("uses the override without a request", async () => {
    const fetch = vi.fn<ConfigSource["fetch"]>();
    expect(await load("", { fetch, override: "wss://b.test/prod" })).toEqual(good("wss://b.test/prod"));
    expect(fetch).not.toHaveBeenCalled();
  });

  it.each([undefined, "", "  "])("reads the file when the override is %j", async (override) => {
    expect(await load(file("wss://a.test/prod"), { override })).toEqual(good("wss://a.test/prod"));
  });

  it("ignores other keys and blanks around the URL", async () => {
    const body = '{"webSocketUrl": " wss://a.test/prod\\n", "stage": "prod"}';
    expect(await load(body)).toEqual(good("wss://a.test/prod"));
  });

  it("reads the connection's times", async () => {
    const body = '{"webSocketUrl": "wss://a.test/prod", "reconnectMs": 50, "heartbeatMs": 300000}';
    expect(await load(body)).toEqual({
      webSocketUrl: "wss://a.test/prod",
      times: { reconnectMs: 50, acknowledgeMs: 5000, heartbeatMs: 300_000 },
    });
  });

  it("accepts ws: on a page served over http", async () => {
    const url = "ws://127.0.0.1:4566/_aws/execute-api/abc/prod";
    expect(await load(file(url), { pageProtocol: "http:" })).toEqual(good(url));
  });
});

describe("a missing file", () => {
  it.each([404, 403])("reports a missing file for HTTP %i", async (status) => {
    expect(await load("Not here", {}, status)).toEqual({
      problem: `/config.json is missing (HTTP ${status}). ${REMEDY}`,
    });
  });

  it.each([HTML, `\n  ${HTML}`])("reports a missing file when the server sends an HTML page in its place: %j", async (body) => {
    expect(await load(body)).toEqual({
      problem: `/config.json is missing: the server sent an HTML page in its place. ${REMEDY}`,
    });
  });
});

describe("a file out of reach", () => {
  it("reports the status when the server fails", async () => {
    expect(await load("Oops", {}, 503)).toEqual({
      problem: "The server returned HTTP 503 for /config.json. Reload the page in a moment.",
    });
  });

  it("reports the network when the request fails", async () => {
    const cause = new TypeError("Failed to fetch");
    expect(await load("", { fetch: () => Promise.reject(cause) })).toEqual({
      problem: "/config.json could not be loaded. Check your connection and reload the page.",
    });
  });
});

describe("a wrong file", () => {
  it.each(["", "wss://a.test/prod", '{"webSocketUrl": '])("reports a file that is not JSON: %j", async (body) => {
    expect(await load(body)).toEqual({
      problem: '/config.json is not valid JSON. It should read {"webSocketUrl": "wss://…"}.',
    });
  });

  it.each(["null", "[]", "42", '"wss://a.test"', "{}", '{"websocketUrl":"wss://a.test"}', file(null), file(1)])(
    "reports a file without webSocketUrl: %s",
    async (body) => {
      expect(await load(body)).toEqual({
        problem:
          '/config.json has no text under the key "webSocketUrl". It should read {"webSocketUrl": "wss://…"}.',
      });
    },
  );
});

describe("a wrong URL", () => {
  it.each([
    "",
    "a.test/prod",
    "https://a.test/prod",
    "wss:",
    "wss://",
    "wss://a b.test",
    "wss://a.test/prod#top",
    "javascript:alert(1)",
  ])("rejects a URL in the file that is not a WebSocket URL: %j", async (url) => {
    expect(await load(file(url))).toEqual({
      problem: `webSocketUrl in /config.json is “${url}”, which is not a WebSocket URL. It should start with wss://.`,
    });
  });

  it("rejects an override that is not a WebSocket URL, by its name", async () => {
    expect(await load("", { override: "http://localhost" })).toEqual({
      problem:
        "VITE_WEBSOCKET_URL is “http://localhost”, which is not a WebSocket URL. It should start with wss://.",
    });
  });

  it("rejects ws: on a page served over https", async () => {
    expect(await load(file("ws://a.test/prod"))).toEqual({
      problem:
        "webSocketUrl in /config.json is “ws://a.test/prod”, which a page served over https may not open. Use a wss:// URL.",
    });
  });
});

describe("a wrong time", () => {
  it.each([49, 300_001, -1, "3000", true, []])("rejects a time out of range: %j", async (acknowledgeMs) => {
    expect(await load(JSON.stringify({ webSocketUrl: "wss://a.test/prod", acknowledgeMs }))).toEqual({
      problem: "acknowledgeMs in /config.json should be a number of milliseconds from 50 to 300000.",
    });
  });
});
