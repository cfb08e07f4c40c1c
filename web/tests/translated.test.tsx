// @vitest-environment jsdom
/** The page while a translator, such as the browser's own, replaces its texts. */
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { App } from "../src/App";
import { QUEUE_LIMIT } from "../src/client/click-queue";
import { DEFAULT_TIMES } from "../src/client/times";
import { NotFound } from "../src/NotFound";
import { ErrorBoundary } from "../src/ui/ErrorBoundary";
import { withFakeTimers } from "./fake-page";
import { fakeWebSockets } from "./fake-web-socket";

const CONFIG = { webSocketUrl: "wss://example.test/prod", times: DEFAULT_TIMES };
let network: ReturnType<typeof fakeWebSockets>;

function Broken(): never {
  throw new Error("broken");
}

afterEach(cleanup);
withFakeTimers();

beforeEach(() => {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  sessionStorage.clear();
  network = fakeWebSockets();
  vi.stubGlobal("WebSocket", network.WebSocket);
});

function textsOf(root: Node): Text[] {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found: Text[] = [];
  while (walker.nextNode()) found.push(walker.currentNode as Text);
  return found;
}

/** Puts a copy of each text into two elements and removes the original, so that a change of the original is invisible. */
function translate(root: Element) {
  for (const text of textsOf(root)) {
    if (text.parentElement?.tagName === "FONT") continue;
    const outer = document.createElement("font");
    const inner = outer.appendChild(document.createElement("font"));
    inner.append(text.data);
    text.replaceWith(outer);
  }
}

const pass = (ms: number) => act(() => vi.advanceTimersByTime(ms));
const onEach = (event: (socket: ReturnType<typeof network.latest>) => void) =>
  act(() => network.sockets.slice(-2).forEach(event));
const onAlive = (event: (socket: ReturnType<typeof network.latest>) => void) => act(() => network.alive().forEach(event));
const click = (times: number) => {
  for (const button of screen.getAllByRole("button", { name: "Increment" })) {
    for (let count = 0; count < times; count += 1) fireEvent.click(button);
  }
};

/** A walk through every state of the page. Each step acts on two pages alike. */
const STEPS: [state: string, step: () => void][] = [
  ["connecting", () => {}],
  ["connected without a value", () => onAlive((socket) => socket.open())],
  ["connected", () => onAlive((socket) => socket.receiveValue(9))],
  ["a longer value", () => onAlive((socket) => socket.receiveValue(12_345))],
  ["announced", () => pass(5000)],
  ["clicked", () => click(2)],
  ["error", () => onAlive((socket) => socket.receiveError("unavailable"))],
  ["click dropped", () => onAlive((socket) => socket.receiveError("bad-id", socket.ids()[0]))],
  ["another click dropped", () => onAlive((socket) => socket.receiveError("bad-id", socket.ids()[1]))],
  ["valid again", () => onAlive((socket) => socket.receiveValue(12_346))],
  ["notice dismissed", () => screen.getAllByRole("button", { name: "Dismiss" }).forEach((each) => fireEvent.click(each))],
  ["disconnected", () => onAlive((socket) => socket.drop())],
  ["counting down", () => pass(1000)],
  ["clicked while disconnected", () => click(1)],
  ["full", () => click(QUEUE_LIMIT)],
  ["reconnecting", () => pass(2000)],
  ["disconnected again", () => onEach((socket) => socket.fail())],
  ["reconnecting again", () => pass(6000)],
  ["connected again", () => onAlive((socket) => socket.open())],
  ["acknowledged", () => onAlive((socket) => socket.ids().forEach((id, index) => socket.receiveValue(12_347 + index, id)))],
  ["a minute later", () => pass(61_000)],
];

it("shows the same texts in every state, whether or not a translator has replaced them", () => {
  const plain = render(<App config={CONFIG} />).container;
  const translated = render(<App config={CONFIG} />).container;
  for (const [state, step] of STEPS) {
    step();
    expect([state, translated.textContent]).toEqual([state, plain.textContent]);
    translate(translated);
  }
  expect(within(plain).queryByRole("alert")).toBeNull();
});

it("replaces a translated page by another one", () => {
  const { container, rerender } = render(<NotFound />);
  translate(container);
  for (const config of [{ problem: "One." }, { problem: "Two." }, CONFIG, { problem: "Three." }]) {
    rerender(<App config={config} />);
    translate(container);
  }
  expect(screen.getByRole("alert").textContent).toBe("Three.");
});

it("replaces a translated page that fails by a message", () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const { container, rerender } = render(<ErrorBoundary><App config={CONFIG} /></ErrorBoundary>);
  translate(container);
  rerender(<ErrorBoundary><Broken /></ErrorBoundary>);
  expect(screen.getByRole("alert").textContent).toMatch(/^An error occurred/u);
});

it("has no text beside other children in any state", () => {
  const { container } = render(<App config={CONFIG} />);
  for (const [state, step] of STEPS) {
    step();
    expect([state, textsOf(container).filter((text) => text.parentNode?.childNodes.length !== 1)]).toEqual([state, []]);
  }
});
