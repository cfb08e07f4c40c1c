// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { QUEUE_LIMIT } from "../src/client/click-queue";
import { DEFAULT_TIMES } from "../src/client/times";
import { IncrementButton } from "../src/ui/IncrementButton";
import { ANNOUNCE_EVERY_MS } from "../src/ui/LiveRegion";
import { RealtimeCounter } from "../src/ui/RealtimeCounter";
import { fakeWebSockets } from "./fake-web-socket";

const ADDRESS = { webSocketUrl: "wss://example.test/prod", times: DEFAULT_TIMES };
let network: ReturnType<typeof fakeWebSockets>;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  sessionStorage.clear();
  network = fakeWebSockets();
  vi.stubGlobal("WebSocket", network.WebSocket);
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const value = () => screen.getByTestId("counter-value");
const connection = () => screen.getByTestId("connection-state");
const pending = () => screen.queryByTestId("pending")?.textContent;
const announcement = () => screen.getByTestId("announcement").textContent;
const button = () => screen.getByRole("button", { name: "Increment" });
const shownState = () => [connection().dataset["state"], connection().textContent];
const bars = (container: HTMLElement) => container.querySelector("svg path:last-child")?.getAttribute("d");
const pass = (ms: number) => act(() => vi.advanceTimersByTime(ms));

function renderOpen() {
  const view = render(<RealtimeCounter {...ADDRESS} />);
  act(() => network.latest().open());
  return view;
}

describe("the value", () => {
  it("shows a dash until there is a value, then exactly its digits", () => {
    renderOpen();
    expect(value().textContent).toBe("–");
    act(() => network.latest().receiveValue(0));
    expect(value().textContent).toBe("0");
    act(() => network.latest().receiveValue(1234567));
    expect(value().textContent).toBe("1234567");
  });

  it("gives screen readers the value as one number, not digit by digit", () => {
    renderOpen();
    expect(screen.getByText("The value is not known yet.")).toBeDefined();
    act(() => network.latest().receiveValue(1234));
    expect(screen.getByText("1234").className).toBe("visually-hidden");
    expect(value().getAttribute("aria-hidden")).toBe("true");
  });

  it("animates only the digits that changed", () => {
    renderOpen();
    act(() => network.latest().receiveValue(19));
    const leaving = () => [...value().children].map((digit) => (digit as HTMLElement).dataset["was"]);
    expect(leaving()).toEqual([undefined, undefined]);
    const tens = value().children[0];
    act(() => network.latest().receiveValue(20));
    expect(leaving()).toEqual(["1", "9"]);
    act(() => network.latest().receiveValue(21));
    expect(leaving()).toEqual([undefined, "0"]);
    expect(value().children[0]).not.toBe(tens);
    act(() => network.latest().receiveValue(121));
    expect(leaving()).toEqual([undefined, undefined, undefined]);
  });

  it("separates thousands without adding a character", () => {
    renderOpen();
    act(() => network.latest().receiveValue(1234567));
    const apart = [...value().children].filter((digit) => (digit as HTMLElement).dataset["group"] === "true");
    expect(apart.map((digit) => digit.textContent)).toEqual(["2", "5"]);
  });

  it("marks the value as stale while disconnected", () => {
    renderOpen();
    expect(value().parentElement?.dataset["stale"]).toBe("false");
    act(() => network.latest().drop());
    expect(value().parentElement?.dataset["stale"]).toBe("true");
  });

  it.each([
    [9999, "short"],
    [10000, "medium"],
    [99999999, "medium"],
    [100000000, "long"],
    [Number.MAX_SAFE_INTEGER, "long"],
  ])("chooses the font size by length: %i is %s", (number, length) => {
    renderOpen();
    act(() => network.latest().receiveValue(number));
    expect(value().parentElement?.dataset["length"]).toBe(length);
  });
});

describe("the live region", () => {
  it("announces the value politely, as a whole sentence", () => {
    renderOpen();
    act(() => network.latest().receiveValue(8));
    pass(0);
    expect(screen.getAllByRole("status")).toEqual([screen.getByTestId("announcement")]);
    expect(announcement()).toBe("The counter is at 8.");
  });

  it("announces at most every 5 s, with the newest value", () => {
    renderOpen();
    act(() => network.latest().receiveValue(1));
    pass(0);
    const heard = new Set<string | null>();
    for (let number = 2; number <= 101; number += 1) {
      act(() => network.latest().receiveValue(number));
      pass(100);
      heard.add(announcement());
    }
    expect(heard.size).toBeLessThanOrEqual(3);
    pass(ANNOUNCE_EVERY_MS);
    expect(announcement()).toBe("The counter is at 101.");
  });

  it("announces nothing until there is a value or a failure", () => {
    render(<RealtimeCounter {...ADDRESS} />);
    pass(ANNOUNCE_EVERY_MS);
    expect(announcement()).toBe("");
    act(() => network.latest().fail());
    pass(0);
    expect(announcement()).toBe("Disconnected. Reconnecting.");
  });

  it("announces a lost connection once, however many attempts follow", () => {
    renderOpen();
    act(() => network.latest().receiveValue(1));
    pass(ANNOUNCE_EVERY_MS);
    act(() => network.latest().drop());
    fireEvent.click(button());
    pass(ANNOUNCE_EVERY_MS);
    const lost = "Disconnected. Reconnecting. The counter is at 1. Clicks waiting to be sent: 1.";
    expect(announcement()).toBe(lost);
    act(() => network.latest().fail());
    pass(ANNOUNCE_EVERY_MS);
    expect(announcement()).toBe(lost);
  });
});

describe("the connection", () => {
  it("shows the state of the connection in words, with the seconds until the next attempt", () => {
    render(<RealtimeCounter {...ADDRESS} />);
    expect(shownState()).toEqual(["connecting", "Connecting…"]);
    act(() => network.latest().open());
    expect(shownState()).toEqual(["open", "Connected"]);
    act(() => network.latest().drop());
    expect(shownState()).toEqual(["waiting", "Reconnecting in 3 s"]);
    pass(1000);
    expect(shownState()).toEqual(["waiting", "Reconnecting in 2 s"]);
    pass(2000);
    expect(shownState()).toEqual(["connecting", "Connecting…"]);
  });

  it("opens one connection even when StrictMode mounts twice", () => {
    render(
      <StrictMode>
        <RealtimeCounter {...ADDRESS} />
      </StrictMode>,
    );
    expect(network.sockets).toHaveLength(2);
    expect(network.alive()).toEqual([network.latest()]);
    act(() => network.latest().open());
    fireEvent.click(button());
    expect(network.latest().ids()).toHaveLength(1);
  });

  it("closes the connection when it unmounts", () => {
    const { unmount } = renderOpen();
    unmount();
    expect(network.alive()).toEqual([]);
    pass(30_000);
    expect(network.sockets).toHaveLength(1);
  });

  it("connects to a new URL with the pending clicks and a new value", () => {
    const { rerender } = renderOpen();
    act(() => network.latest().receiveValue(1000));
    act(() => network.latest().drop());
    fireEvent.click(button());
    rerender(<RealtimeCounter {...ADDRESS} webSocketUrl="wss://example.test/other" />);
    expect(network.alive().map(({ url }) => url)).toEqual(["wss://example.test/other"]);
    act(() => network.latest().open());
    expect(network.latest().ids()).toHaveLength(1);
    act(() => network.latest().receiveValue(0));
    expect(value().textContent).toBe("0");
  });

  it("shows the round trip of the last response", () => {
    renderOpen();
    expect(screen.getByTestId("round-trip").textContent).toBe("–");
    pass(24);
    act(() => network.latest().receiveValue(1));
    expect(screen.getByTestId("round-trip").textContent).toBe("24 ms");
  });

  it("reports an unreachable server after three failures", () => {
    const onUnreachable = vi.fn<() => void>();
    render(<RealtimeCounter {...ADDRESS} onUnreachable={onUnreachable} />);
    for (const pause of [3000, 3000]) {
      act(() => network.latest().fail());
      pass(pause);
    }
    expect(onUnreachable).not.toHaveBeenCalled();
    act(() => network.latest().fail());
    expect(onUnreachable).toHaveBeenCalledTimes(1);
  });
});

describe("the button", () => {
  it("sends exactly one increment for each click, each with its own op id", () => {
    renderOpen();
    fireEvent.click(button());
    expect(network.latest().ids()).toHaveLength(1);
    fireEvent.click(button());
    expect(new Set(network.latest().ids()).size).toBe(2);
  });

  it("renders a real button that submits nothing", () => {
    renderOpen();
    expect(button().tagName).toBe("BUTTON");
    expect(button().getAttribute("type")).toBe("button");
  });

  it("keeps clicks made while disconnected, shows them as pending, and sends them", () => {
    renderOpen();
    act(() => network.latest().drop());
    expect(screen.getByText(/^You can keep clicking\./u)).toBeDefined();
    fireEvent.click(button());
    fireEvent.click(button());
    expect(pending()).toBe("+2 pending");
    expect(screen.getByText(/^Your clicks are saved/u)).toBeDefined();
    pass(3000);
    act(() => network.latest().open());
    const [first, second] = network.latest().ids();
    act(() => network.latest().receiveValue(1, first));
    expect(pending()).toBe("+1 pending");
    act(() => network.latest().receiveValue(2, second));
    expect(pending()).toBeUndefined();
  });

  it("disables the button when 100 clicks are pending, explains why, and keeps the focus", () => {
    renderOpen();
    act(() => network.latest().drop());
    button().focus();
    for (let click = 0; click <= QUEUE_LIMIT; click += 1) fireEvent.click(button());
    expect(pending()).toBe("+100 pending");
    expect(button().getAttribute("aria-disabled")).toBe("true");
    expect(button().hasAttribute("disabled")).toBe(false);
    expect(document.activeElement).toBe(button());
    const explanation = document.getElementById(button().getAttribute("aria-describedby") ?? "");
    expect(explanation?.textContent).toMatch(/^100 clicks are waiting to be sent/u);
  });

  it("enables the button again once there is room, and removes the explanation", () => {
    render(<RealtimeCounter {...ADDRESS} />);
    for (let click = 0; click < QUEUE_LIMIT; click += 1) fireEvent.click(button());
    act(() => network.latest().open());
    expect(button().getAttribute("aria-disabled")).toBe("true");
    act(() => network.latest().receiveValue(1, network.latest().ids()[0]));
    expect(button().getAttribute("aria-disabled")).toBe("false");
    expect(button().hasAttribute("aria-describedby")).toBe(false);
    expect(screen.getByText("Open this page in another tab and click: both update.")).toBeDefined();
  });

  it("ignores clicks on a disabled button", () => {
    const onIncrement = vi.fn<() => void>();
    const { rerender } = render(<IncrementButton enabled={false} explanationId="why" onIncrement={onIncrement} />);
    fireEvent.click(button());
    expect(onIncrement).not.toHaveBeenCalled();
    rerender(<IncrementButton enabled explanationId="why" onIncrement={onIncrement} />);
    fireEvent.click(button());
    expect(onIncrement).toHaveBeenCalledTimes(1);
  });
});

describe("the plot", () => {
  it("plots the clicks of each second, and shows their sum", () => {
    const { container } = renderOpen();
    act(() => network.latest().receiveValue(10));
    expect(bars(container)).toBe("");
    act(() => network.latest().receiveValue(12));
    expect(screen.getByTestId("clicks-last-minute").textContent).toBe("2");
    expect(bars(container)).toBe("M59.15 20v-10h.7v10z");
    pass(2000);
    act(() => network.latest().receiveValue(20));
    expect(bars(container)).toBe("M57.15 20v-5h.7v5zM59.15 20v-20h.7v20z");
    pass(60_000);
    expect(bars(container)).toBe("");
    expect(screen.getByTestId("clicks-last-minute").textContent).toBe("0");
  });

  it("hides the plot from screen readers", () => {
    const { container } = renderOpen();
    expect(container.querySelector("svg")?.getAttribute("aria-hidden")).toBe("true");
  });
});

it("shows an error as an alert until the next value", () => {
  renderOpen();
  expect(screen.queryByRole("alert")).toBeNull();
  act(() => network.latest().receiveError("not-json"));
  expect(screen.getByRole("alert").textContent).toBe("This is not-json.");
  act(() => network.latest().receiveValue(3));
  expect(screen.queryByRole("alert")).toBeNull();
});

it("shows that clicks were dropped until that is dismissed", () => {
  renderOpen();
  fireEvent.click(button());
  fireEvent.click(button());
  const [first, second] = network.latest().ids();
  act(() => network.latest().receiveError("bad-id", first));
  act(() => network.latest().receiveValue(3));
  expect(screen.getByRole("alert").textContent).toContain("1 click could not be confirmed and was dropped.");
  act(() => network.latest().receiveError("bad-id", second));
  expect(screen.getByTestId("dropped-clicks").textContent).toContain("2 clicks could not be confirmed and were dropped.");
  fireEvent.click(screen.getByRole("button", { name: "Dismiss" }));
  expect(screen.queryByTestId("dropped-clicks")).toBeNull();
});

it("sets no inline style, which a strict content security policy would drop", () => {
  const { container } = renderOpen();
  act(() => network.latest().receiveValue(3));
  act(() => network.latest().receiveValue(5));
  expect(container.querySelectorAll("[style], style")).toHaveLength(0);
});
