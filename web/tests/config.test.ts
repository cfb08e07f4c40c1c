import { expect, it, vi } from "vitest";

import { type Config, type ConfigSource, loadConfig } from "../src/client/config";
import { DEFAULT_TIMES } from "../src/client/times";

const ADDRESS = "wss://a.test/prod";
const HTML = "<!doctype html>\n<html></html>";
const EXAMPLE = '{"webSocketUrl": "wss://…"}';
const REMEDY =
  "Deploy the stack, which writes /config.json next to index.html, " +
  "or set VITE_WEBSOCKET_URL and restart the development server.";

function load(body: string, source: Partial<ConfigSource> = {}, status = 200): Promise<Config> {
  const fetch = async () => new Response(body, { status });
  return loadConfig({ override: undefined, fetch, pageAddress: "https://page.test/realtime-counter", ...source });
}

const good = (webSocketUrl: string, times = {}) => ({ webSocketUrl, times: { ...DEFAULT_TIMES, ...times } });
const file = (webSocketUrl: unknown, fields = {}) => JSON.stringify({ webSocketUrl, ...fields });

it("reads /config.json without a cache", async () => {
  const fetch = vi.fn<ConfigSource["fetch"]>(async () => new Response(file(ADDRESS)));
  expect(await load("", { fetch })).toEqual(good(ADDRESS));
  expect(fetch.mock.calls).toEqual([["/config.json", { cache: "no-store" }]]);
});

it("uses the override without a request", async () => {
  const fetch = vi.fn<ConfigSource["fetch"]>();
  expect(await load("", { fetch, override: "wss://b.test/prod" })).toEqual(good("wss://b.test/prod"));
  expect(fetch).not.toHaveBeenCalled();
});

it.each([undefined, "", "  "])("reads the file when the override is %j", async (override) => {
  expect(await load(file(ADDRESS), { override })).toEqual(good(ADDRESS));
});

it("reads the connection's times, and ignores other keys and blanks around the URL", async () => {
  const times = { reconnectMs: 50, heartbeatMs: 300_000 };
  expect(await load(file(` ${ADDRESS}\n`, { ...times, stage: "prod" }))).toEqual(good(ADDRESS, times));
});

it.each([
  ["http://10.0.0.5:9000/realtime-counter", "ws://10.0.0.5:9000/dev"],
  ["https://port-8080.editor.test/realtime-counter", "wss://port-8080.editor.test/dev"],
  ["http://[::1]:8080/", "ws://[::1]:8080/dev"],
])("resolves a path against the page's address %s", async (pageAddress, url) => {
  expect(await load(file("/dev"), { pageAddress })).toEqual(good(url));
});

it.each(["//evil.test/dev", "dev", "?x"])("rejects %s, which is neither a URL nor a path", async (text) => {
  expect(await load(file(text))).toHaveProperty("problem");
});

it("accepts ws: on a page served over http", async () => {
  const url = "ws://127.0.0.1:4566/_aws/execute-api/abc/prod";
  expect(await load(file(url), { pageAddress: "http://127.0.0.1:8080/realtime-counter" })).toEqual(good(url));
});

it.each([
  ["HTTP 404", "Not here", 404, `/config.json is missing (HTTP 404). ${REMEDY}`],
  ["HTTP 403", "Not here", 403, `/config.json is missing (HTTP 403). ${REMEDY}`],
  ["HTTP 503", "Oops", 503, "The server returned HTTP 503 for /config.json. Wait a moment."],
  ["a page", HTML, 200, `/config.json is missing: the server sent an HTML page in its place. ${REMEDY}`],
  ["a page after a blank line", `\n  ${HTML}`, 200, `/config.json is missing: the server sent an HTML page in its place. ${REMEDY}`],
  ["an empty file", "", 200, `/config.json is not valid JSON. It should read ${EXAMPLE}.`],
  ["a file with only the URL", ADDRESS, 200, `/config.json is not valid JSON. It should read ${EXAMPLE}.`],
  ["a cut file", '{"webSocketUrl": ', 200, `/config.json is not valid JSON. It should read ${EXAMPLE}.`],
])("reports a problem when the server sends %s in place of the file", async (_case, body, status, problem) => {
  expect(await load(body, {}, status)).toEqual({ problem });
});

it("reports a problem when the request fails", async () => {
  const cause = new TypeError("Failed to fetch");
  expect(await load("", { fetch: () => Promise.reject(cause) })).toEqual({
    problem: "/config.json could not be loaded. Check your connection.",
  });
});

it.each(["null", "[]", "42", `"${ADDRESS}"`, "{}", `{"websocketUrl":"${ADDRESS}"}`, file(null), file(1)])(
  "reports a file without webSocketUrl: %s",
  async (body) => {
    expect(await load(body)).toEqual({
      problem: `/config.json has no text under the key "webSocketUrl". It should read ${EXAMPLE}.`,
    });
  },
);

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
    problem: "VITE_WEBSOCKET_URL is “http://localhost”, which is not a WebSocket URL. It should start with wss://.",
  });
});

it("rejects ws: on a page served over https", async () => {
  expect(await load(file("ws://a.test/prod"))).toEqual({
    problem:
      "webSocketUrl in /config.json is “ws://a.test/prod”, which a page served over https may not open. Use a wss:// URL.",
  });
});

it.each([49, 300_001, -1, "3000", true, []])("rejects a time out of range: %j", async (acknowledgeMs) => {
  expect(await load(file(ADDRESS, { acknowledgeMs }))).toEqual({
    problem: "acknowledgeMs in /config.json should be a number of milliseconds from 50 to 300000.",
  });
});
