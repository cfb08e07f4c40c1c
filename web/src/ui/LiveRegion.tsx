import { useEffect, useRef, useState } from "react";

import type { CounterState } from "../client/store";

/** Shortest time between two announcements. A screen reader would cut off faster ones. */
export const ANNOUNCE_EVERY_MS = 5000;

type LiveRegionProps = Pick<CounterState, "connection" | "pending" | "value">;

/** Announces the state to screen readers. States between two announcements are skipped. */
export function LiveRegion(state: LiveRegionProps) {
  const shown = useThrottled(words(state), ANNOUNCE_EVERY_MS);
  return (
    <p role="status" className="visually-hidden" data-testid="announcement">
      {shown}
    </p>
  );
}

function words({ connection, pending, value }: LiveRegionProps): string {
  const counter = value === undefined ? "" : `The counter is at ${value}.`;
  if (connection === "open") return counter;
  // The first attempt to connect is not announced.
  if (counter === "" && connection !== "waiting") return "";
  const waiting = pending === 0 ? "" : `Clicks waiting to be sent: ${pending}.`;
  return ["Disconnected. Reconnecting.", counter, waiting].filter(Boolean).join(" ");
}

function useThrottled(text: string, everyMs: number): string {
  const [shown, setShown] = useState("");
  const shownAt = useRef(-Infinity);
  useEffect(() => {
    if (text === shown) return undefined;
    const wait = Math.max(0, shownAt.current + everyMs - performance.now());
    const timer = setTimeout(() => {
      shownAt.current = performance.now();
      setShown(text);
    }, wait);
    return () => clearTimeout(timer);
  }, [text, shown, everyMs]);
  return shown;
}
