// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { QUEUE_LIMIT } from "../src/client/click-queue";
import { DEFAULT_TIMES } from "../src/client/times";
import { IncrementButton } from "../src/ui/IncrementButton";
import { ANNOUNCE_EVERY_MS } from "../src/ui/LiveRegion";
import { RealtimeCounter } from "../src/ui/RealtimeCounter";
import { withFakeTimers } from "./fake-page";
import { fakeWebSockets } from "./fake-web-socket";

const ADDRESS = { webSocketUrl: "wss://example.test/prod", times: DEFAULT_TIMES };
let network: ReturnType<typeof fakeWebSockets>;

afterEach(cleanup);
withFakeTimers();

beforeEach(() => {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  sessionStorage.clear();
  network = fakeWebSockets();
  vi.stubGlobal("WebSocket", network.WebSocket);
});

const value = () => screen.getByTestId("counter-value");
const digits = () => Array.from(value().children) as HTMLElement[];
const shown = () => {
  const { textContent, dataset } = screen.getByTestId("connection-state");
  return [dataset["state"], textContent, value().parentElement?.dataset["stale"]];
};
const total = () => screen.getByTestId("clicks-last-minute").textContent;
const pending = () => screen.queryByTestId("pending")?.textContent;
const announcement = () => screen.getByTestId("announcement").textContent;
const alert = () => screen.queryByRole("alert")?.textContent;
const button = () => screen.getByRole("button", { name: "Increment" });
const bars = (container: HTMLElement) => container.querySelector("svg path:last-child")?.getAttribute("d");
const pass = (ms: number) => act(() => vi.advanceTimersByTime(ms));
const open = () => act(() => network.latest().open());
const receive = (number: number, id?: string) => act(() => network.latest().receiveValue(number, id));
const receiveError = (code: string, id?: string) => act(() => network.latest().receiveError(code, id));
const drop = () => act(() => network.latest().drop());
const fail = () => act(() => network.latest().fail());
const click = (times = 1) => {
  for (let count = 1; count <= times; count += 1) fireEvent.click(button());
};

/** Rejects handshakes, and lets the longest delay pass after each one. */
function reject(times: number) {
  for (let attempt = 1; attempt <= times; attempt += 1) {
    fail();
    pass(20_000);
  }
}

function renderOpen() {
  const view = render(<RealtimeCounter {...ADDRESS} />);
  open();
  return view;
}

describe("the value", () => {
  it("shows a dash until there is a value, then its digits, and gives screen readers one number", () => {
    renderOpen();
    expect([value().textContent, value().getAttribute("aria-hidden")]).toEqual(["–", "true"]);
    expect(screen.getByText("The value is not known yet.")).toBeDefined();
    for (const number of [0, 1234567]) {
      receive(number);
      expect(value().textContent).toBe(String(number));
    }
    const spoken = value().previousElementSibling;
    expect([spoken?.className, spoken?.textContent]).toEqual(["visually-hidden", "1234567"]);
  });

  it("animates only the digits that changed", () => {
    renderOpen();
    receive(19);
    const leaving = () => digits().map((digit) => digit.dataset["was"]);
    expect(leaving()).toEqual([undefined, undefined]);
    const [tens] = digits();
    receive(20);
    expect(leaving()).toEqual(["1", "9"]);
    receive(21);
    expect(leaving()).toEqual([undefined, "0"]);
    expect(digits()[0]).not.toBe(tens);
    receive(121);
    expect(leaving()).toEqual([undefined, undefined, undefined]);
  });

  it("separates thousands without adding a character", () => {
    renderOpen();
    receive(1234567);
    const apart = digits().filter((digit) => digit.dataset["group"] === "true");
    expect(apart.map((digit) => digit.textContent)).toEqual(["2", "5"]);
  });

  it("chooses the font size by the length of the value", () => {
    renderOpen();
    const sizes = [9999, 10_000, 99_999_999, 100_000_000, Number.MAX_SAFE_INTEGER].map((number) => {
      receive(number);
      return value().parentElement?.dataset["length"];
    });
    expect(sizes).toEqual(["short", "medium", "medium", "long", "long"]);
  });
});

describe("a page whose handshakes are rejected", () => {
  it("shows its own origin and the setting to check while its handshakes are rejected", () => {
    render(<RealtimeCounter {...ADDRESS} />);
    reject(2);
    expect(screen.queryByTestId("rejected")).toBeNull();
    reject(1);
    const note = screen.getByTestId("rejected").textContent;
    for (const part of [window.location.origin, "allowedOrigins", "allowLocalhost: true", "token"]) {
      expect(note).toContain(part);
    }
    open();
    expect(screen.queryByTestId("rejected")).toBeNull();
  });

  it("shows no setting to check after a connection was once open", () => {
    renderOpen();
    drop();
    pass(20_000);
    reject(4);
    expect(screen.queryByTestId("rejected")).toBeNull();
  });
});

describe("the live region", () => {
  it("announces the value politely, as a whole sentence", () => {
    renderOpen();
    receive(8);
    pass(0);
    expect(screen.getAllByRole("status")).toEqual([screen.getByTestId("announcement")]);
    expect(announcement()).toBe("The counter is at 8.");
  });

  it("announces at most every 5 s, with the newest value", () => {
    renderOpen();
    receive(1);
    pass(0);
    const announced = new Set<string | null>();
    for (let number = 2; number <= 101; number += 1) {
      receive(number);
      pass(100);
      announced.add(announcement());
    }
    expect(announced.size).toBeLessThanOrEqual(3);
    pass(ANNOUNCE_EVERY_MS);
    expect(announcement()).toBe("The counter is at 101.");
  });

  it("announces nothing until there is a value or a failure", () => {
    render(<RealtimeCounter {...ADDRESS} />);
    pass(ANNOUNCE_EVERY_MS);
    expect(announcement()).toBe("");
    fail();
    pass(0);
    expect(announcement()).toBe("Disconnected. Reconnecting.");
  });

  it("announces a lost connection once, however many attempts follow", () => {
    renderOpen();
    receive(1);
    pass(ANNOUNCE_EVERY_MS);
    drop();
    click();
    const lost = "Disconnected. Reconnecting. The counter is at 1. Clicks waiting to be sent: 1.";
    pass(ANNOUNCE_EVERY_MS);
    expect(announcement()).toBe(lost);
    fail();
    pass(ANNOUNCE_EVERY_MS);
    expect(announcement()).toBe(lost);
  });
});

describe("the connection", () => {
  it("shows the state of the connection, the seconds until the next attempt, and whether the value is stale", () => {
    render(<RealtimeCounter {...ADDRESS} />);
    expect(shown()).toEqual(["connecting", "Connecting…", "true"]);
    open();
    expect(shown()).toEqual(["open", "Connected", "false"]);
    drop();
    expect(shown()).toEqual(["waiting", "Reconnecting in 3 s", "true"]);
    pass(1000);
    expect(shown()).toEqual(["waiting", "Reconnecting in 2 s", "true"]);
    pass(2000);
    expect(shown()).toEqual(["connecting", "Connecting…", "true"]);
  });

  it("opens one connection even when StrictMode mounts twice", () => {
    render(
      <StrictMode>
        <RealtimeCounter {...ADDRESS} />
      </StrictMode>,
    );
    expect(network.sockets).toHaveLength(2);
    expect(network.alive()).toEqual([network.latest()]);
    open();
    click();
    expect(network.latest().ids()).toHaveLength(1);
  });

  it("connects to a new URL with the pending clicks and a new value", () => {
    const { rerender } = renderOpen();
    receive(1000);
    drop();
    click();
    rerender(<RealtimeCounter {...ADDRESS} webSocketUrl="wss://example.test/other" />);
    expect(network.alive().map(({ url }) => url)).toEqual(["wss://example.test/other"]);
    open();
    expect(network.latest().ids()).toHaveLength(1);
    receive(0);
    expect(value().textContent).toBe("0");
  });

  it("offers the subprotocols of its configuration on every connection", () => {
    const protocols = ["counter", "bearer.a.b.c"];
    render(<RealtimeCounter {...ADDRESS} protocols={protocols} />);
    open();
    drop();
    pass(3000);
    expect(network.sockets.map((socket) => socket.protocols)).toEqual([protocols, protocols]);
  });

  it("shows the round trip of the last response", () => {
    renderOpen();
    expect(screen.getByTestId("round-trip").textContent).toBe("–");
    pass(24.4);
    receive(1);
    expect(screen.getByTestId("round-trip").textContent).toBe("24 ms");
  });

  it("reports an unreachable server after three failures", () => {
    const onUnreachable = vi.fn<() => void>();
    render(<RealtimeCounter {...ADDRESS} onUnreachable={onUnreachable} />);
    for (const pause of [3000, 3000]) {
      fail();
      pass(pause);
    }
    expect(onUnreachable).not.toHaveBeenCalled();
    fail();
    expect(onUnreachable).toHaveBeenCalledTimes(1);
  });
});

describe("the button", () => {
  it("keeps clicks made while disconnected, shows them as pending, and sends them", () => {
    renderOpen();
    drop();
    expect(screen.getByText(/^You can keep clicking\./u)).toBeDefined();
    click(2);
    expect(pending()).toBe("+2 pending");
    expect(screen.getByText(/^Your clicks are saved/u)).toBeDefined();
    pass(3000);
    open();
    const [first, second] = network.latest().ids();
    receive(1, first);
    expect(pending()).toBe("+1 pending");
    receive(2, second);
    expect(pending()).toBeUndefined();
  });

  it("disables the button when 100 clicks are pending, explains why, and keeps the focus", () => {
    renderOpen();
    drop();
    button().focus();
    click(QUEUE_LIMIT + 1);
    expect(pending()).toBe("+100 pending");
    expect(button().getAttribute("aria-disabled")).toBe("true");
    expect(button().hasAttribute("disabled")).toBe(false);
    expect(document.activeElement).toBe(button());
    const explanation = document.getElementById(button().getAttribute("aria-describedby") ?? "");
    expect(explanation?.textContent).toMatch(/^100 clicks are waiting to be sent/u);
  });

  it("enables the button again once a click is acknowledged, and removes the explanation", () => {
    render(<RealtimeCounter {...ADDRESS} />);
    click(QUEUE_LIMIT);
    open();
    expect(button().getAttribute("aria-disabled")).toBe("true");
    receive(1, network.latest().ids()[0]);
    expect(button().getAttribute("aria-disabled")).toBe("false");
    expect(button().hasAttribute("aria-describedby")).toBe(false);
    expect(screen.getByText("Open this page in another tab and click: both update.")).toBeDefined();
  });

  it("renders a real button that submits nothing and ignores clicks while disabled", () => {
    const onIncrement = vi.fn<() => void>();
    const { rerender } = render(<IncrementButton enabled={false} explanationId="why" onIncrement={onIncrement} />);
    expect([button().tagName, button().getAttribute("type")]).toEqual(["BUTTON", "button"]);
    click();
    expect(onIncrement).not.toHaveBeenCalled();
    rerender(<IncrementButton enabled explanationId="why" onIncrement={onIncrement} />);
    click();
    expect(onIncrement).toHaveBeenCalledTimes(1);
  });
});

it("plots the clicks of each second, shows their sum, and hides the plot from screen readers", () => {
  const { container } = renderOpen();
  expect(container.querySelector("svg")?.getAttribute("aria-hidden")).toBe("true");
  receive(10);
  expect(bars(container)).toBe("");
  receive(12);
  expect([total(), bars(container)]).toEqual(["2", "M59.15 20v-10h.7v10z"]);
  pass(2000);
  receive(20);
  expect(bars(container)).toBe("M57.15 20v-5h.7v5zM59.15 20v-20h.7v20z");
  pass(60_000);
  expect([total(), bars(container)]).toEqual(["0", ""]);
});

it("shows an error as an alert until the next value", () => {
  renderOpen();
  expect(alert()).toBeUndefined();
  receiveError("not-json");
  expect(alert()).toBe("This is not-json.");
  receive(3);
  expect(alert()).toBeUndefined();
});

it("shows that the value may be out of date while the server responds with errors only", () => {
  renderOpen();
  receive(3);
  receiveError("unavailable");
  expect(shown()).toEqual(["open", "Connected", "true"]);
  expect(alert()).toBe("The server cannot read the counter right now.");
  expect(screen.getByText("The value may be out of date. You can keep clicking: clicks are saved and retried.")).toBeDefined();
  receive(4);
  expect([shown(), alert()]).toEqual([["open", "Connected", "false"], undefined]);
  expect(screen.getByText(/^Open this page in another tab/u)).toBeDefined();
});

it("shows that clicks were dropped until the notice is dismissed", () => {
  renderOpen();
  click(2);
  const [first, second] = network.latest().ids();
  receiveError("bad-id", first);
  receive(3);
  expect(alert()).toContain("1 click could not be confirmed and was dropped.");
  receiveError("bad-id", second);
  expect(screen.getByTestId("dropped-clicks").textContent).toContain("2 clicks could not be confirmed and were dropped.");
  fireEvent.click(screen.getByRole("button", { name: "Dismiss" }));
  expect(screen.queryByTestId("dropped-clicks")).toBeNull();
});

it("sets no inline style, which a strict content security policy would drop", () => {
  const { container } = renderOpen();
  receive(3);
  receive(5);
  expect(container.querySelectorAll("[style], style")).toHaveLength(0);
});
