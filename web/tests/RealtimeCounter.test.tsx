// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { RECONNECT_DELAY_MS } from "../src/counter/counter-socket";
import { IncrementButton } from "../src/counter/IncrementButton";
import { RealtimeCounter } from "../src/counter/RealtimeCounter";
import { fakeWebSockets } from "./fake-web-socket";

const ADDRESS = "wss://example.test/prod";
const INCREMENT = '{"action":"increment"}';
let network: ReturnType<typeof fakeWebSockets>;

beforeEach(() => {
  vi.useFakeTimers();
  network = fakeWebSockets();
  vi.stubGlobal("WebSocket", network.WebSocket);
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const value = () => screen.getByTestId("counter-value");
const connection = () => screen.getByTestId("connection-state");
const button = () => screen.getByRole("button", { name: "Increment" });
const increments = () =>
  network.sockets.flatMap(({ sent }) => sent).filter((message) => JSON.stringify(message) === INCREMENT);

function renderOpen() {
  const view = render(<RealtimeCounter webSocketUrl={ADDRESS} />);
  act(() => network.latest().open());
  return view;
}

describe("the value", () => {
  it("is a dash until it is known, then exactly its digits", () => {
    renderOpen();
    expect(value().textContent).toBe("–");
    act(() => network.latest().receiveValue(0));
    expect(value().textContent).toBe("0");
    act(() => network.latest().receiveValue(1234567));
    expect(value().textContent).toBe("1234567");
  });

  it("is announced politely and as a whole", () => {
    renderOpen();
    expect(screen.getAllByRole("status")).toContain(value());
    expect(value().getAttribute("aria-live")).toBe("polite");
    expect(value().getAttribute("aria-atomic")).toBe("true");
  });

  it("stays the same element, so that its changes are announced", () => {
    renderOpen();
    const before = value();
    act(() => network.latest().receiveValue(8));
    expect(value()).toBe(before);
  });

  it.each([
    [9999, "short"],
    [10000, "medium"],
    [99999999, "medium"],
    [100000000, "long"],
    [Number.MAX_SAFE_INTEGER, "long"],
  ])("is set to fit: %i is %s", (number, length) => {
    renderOpen();
    act(() => network.latest().receiveValue(number));
    expect(value().dataset["length"]).toBe(length);
  });
});

describe("the connection", () => {
  it("is put into words", () => {
    render(<RealtimeCounter webSocketUrl={ADDRESS} />);
    const shown = () => [connection().dataset["state"], connection().textContent];
    expect(connection().getAttribute("role")).toBe("status");
    expect(shown()).toEqual(["connecting", "Connecting…"]);
    act(() => network.latest().open());
    expect(shown()).toEqual(["open", "Connected"]);
    act(() => network.latest().drop());
    expect(shown()).toEqual(["waiting", "Reconnecting in 3 s…"]);
    act(() => vi.advanceTimersByTime(RECONNECT_DELAY_MS));
    expect(shown()).toEqual(["connecting", "Connecting…"]);
  });

  it("is one, also when StrictMode mounts twice", () => {
    render(
      <StrictMode>
        <RealtimeCounter webSocketUrl={ADDRESS} />
      </StrictMode>,
    );
    expect(network.sockets).toHaveLength(2);
    expect(network.alive()).toEqual([network.latest()]);
  });

  it("ends with the page", () => {
    const { unmount } = renderOpen();
    unmount();
    expect(network.alive()).toEqual([]);
    act(() => vi.advanceTimersByTime(10 * RECONNECT_DELAY_MS));
    expect(network.sockets).toHaveLength(1);
  });

  it("moves when the URL changes", () => {
    const { rerender } = renderOpen();
    rerender(<RealtimeCounter webSocketUrl="wss://example.test/other" />);
    expect(network.alive().map(({ url }) => url)).toEqual(["wss://example.test/other"]);
  });
});

describe("the button", () => {
  it("sends exactly one increment per click", () => {
    renderOpen();
    fireEvent.click(button());
    expect(increments()).toHaveLength(1);
    fireEvent.click(button());
    expect(increments()).toHaveLength(2);
  });

  it("is a real button that submits nothing", () => {
    renderOpen();
    expect(button().tagName).toBe("BUTTON");
    expect(button().getAttribute("type")).toBe("button");
  });

  it("does nothing while disconnected, says why and keeps the focus", () => {
    renderOpen();
    button().focus();
    act(() => network.latest().drop());
    expect(button().getAttribute("aria-disabled")).toBe("true");
    expect(button().hasAttribute("disabled")).toBe(false);
    expect(document.activeElement).toBe(button());
    const explanation = document.getElementById(button().getAttribute("aria-describedby") ?? "");
    expect(explanation?.textContent).toBe("The button works as soon as the page is connected.");
    fireEvent.click(button());
    act(() => vi.advanceTimersByTime(RECONNECT_DELAY_MS));
    fireEvent.click(button());
    act(() => network.latest().open());
    expect(increments()).toHaveLength(0);
  });

  it("takes no click by itself while it is not enabled", () => {
    const onIncrement = vi.fn<() => void>();
    const { rerender } = render(<IncrementButton enabled={false} explanationId="why" onIncrement={onIncrement} />);
    fireEvent.click(button());
    expect(onIncrement).not.toHaveBeenCalled();
    rerender(<IncrementButton enabled explanationId="why" onIncrement={onIncrement} />);
    fireEvent.click(button());
    expect(onIncrement).toHaveBeenCalledTimes(1);
  });

  it("works again once connected, and the explanation is gone", () => {
    render(<RealtimeCounter webSocketUrl={ADDRESS} />);
    expect(button().getAttribute("aria-disabled")).toBe("true");
    act(() => network.latest().open());
    expect(button().getAttribute("aria-disabled")).toBe("false");
    expect(button().hasAttribute("aria-describedby")).toBe(false);
    expect(screen.queryByText(/The button works/u)).toBeNull();
    expect(screen.getByText("Open this page in a second tab and click: both move.")).toBeDefined();
    fireEvent.click(button());
    expect(increments()).toHaveLength(1);
  });
});

it("shows an error as an alert until the next value", () => {
  renderOpen();
  expect(screen.queryByRole("alert")).toBeNull();
  act(() => network.latest().receive('{"type":"error","code":"busy","message":"Try again."}'));
  expect(screen.getByRole("alert").textContent).toBe("Try again.");
  act(() => network.latest().receiveValue(3));
  expect(screen.queryByRole("alert")).toBeNull();
});

it("sets no inline style, which a strict content security policy would drop", () => {
  const { container } = renderOpen();
  act(() => network.latest().receiveValue(3));
  expect(container.querySelectorAll("[style], style")).toHaveLength(0);
});
