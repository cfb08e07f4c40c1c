// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { App } from "../src/App";
import { DEFAULT_TIMES } from "../src/client/times";
import { NotFound } from "../src/NotFound";
import { ErrorBoundary } from "../src/ui/ErrorBoundary";
import { fakeWebSockets } from "./fake-web-socket";

function Broken(): never {
  throw new Error("broken");
}

const CONFIG = { webSocketUrl: "wss://example.test/prod", times: DEFAULT_TIMES };
let network: ReturnType<typeof fakeWebSockets>;

beforeEach(() => {
  document.title = "Realtime counter";
  network = fakeWebSockets();
  vi.stubGlobal("WebSocket", network.WebSocket);
});

afterEach(cleanup);

it("shows the counter with its configuration", () => {
  render(<App config={CONFIG} />);
  expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Realtime counter");
  expect(network.latest().url).toBe(CONFIG.webSocketUrl);
});

it("shows a problem of the configuration until there is none, also in the title of the document", () => {
  const { rerender } = render(<App config={{ problem: "The file is missing." }} />);
  expect(screen.getByRole("alert").textContent).toBe("The file is missing.");
  expect(screen.getByText("The page retries automatically.")).toBeDefined();
  expect(document.title).toBe("The counter cannot start · Realtime counter");
  expect(network.sockets).toHaveLength(0);
  rerender(<App config={CONFIG} />);
  expect(screen.queryByRole("alert")).toBeNull();
  expect(document.title).toBe("Realtime counter");
  expect(network.sockets).toHaveLength(1);
});

it("links to the counter from an unknown address", () => {
  render(<NotFound />);
  expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Page not found");
  expect(document.title).toBe("Page not found · Realtime counter");
  expect(screen.getByRole("link").getAttribute("href")).toBe("/realtime-counter");
});

it("shows the children of an error boundary, and an alert in their place once they fail", () => {
  const report = vi.spyOn(console, "error").mockImplementation(() => {});
  const { rerender } = render(<ErrorBoundary>All is well.</ErrorBoundary>);
  expect(screen.getByText("All is well.")).toBeDefined();
  rerender(
    <ErrorBoundary>
      <Broken />
    </ErrorBoundary>,
  );
  expect(screen.getByRole("alert").textContent).toContain("Reload it");
  expect(report).toHaveBeenCalled();
});
