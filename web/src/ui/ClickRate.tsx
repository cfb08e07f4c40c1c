import { useId, useSyncExternalStore } from "react";

import "./click-rate.css";

const HEIGHT = 20;
/** Lowest number of clicks per second that fills the height. A lower one would make a single click look like a peak. */
const MIN_PEAK = 4;

interface ClickRateProps {
  /** Clicks in each of the last 60 seconds, the oldest first. */
  read: () => number[];
  roundTripMs: number | undefined;
}

/** The plot of the last minute, its sum, and the round trip. */
export function ClickRate({ read, roundTripMs }: ClickRateProps) {
  const clicks = useSyncExternalStore(everySecond, read);
  const total = clicks.reduce((sum, each) => sum + each, 0);
  const fade = useId();
  return (
    <div className="click-rate">
      <svg viewBox={`0 0 ${clicks.length} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <linearGradient id={fade} gradientUnits="userSpaceOnUse" x2={clicks.length}>
          <stop className="click-rate-old" />
          <stop className="click-rate-new" offset="1" />
        </linearGradient>
        <path d={`M0 ${HEIGHT}H${clicks.length}`} className="click-rate-ground" />
        <path d={bars(clicks)} fill={`url(#${fade})`} />
      </svg>
      <dl>
        <div>
          <dt>Clicks in the last minute</dt>
          <dd data-testid="clicks-last-minute">{total}</dd>
        </div>
        <div>
          <dt>Round trip</dt>
          <dd data-testid="round-trip">{roundTripMs === undefined ? "–" : `${Math.round(roundTripMs)} ms`}</dd>
        </div>
      </dl>
    </div>
  );
}

/** One bar for each second, as one SVG path. */
function bars(clicks: number[]): string {
  const peak = Math.max(MIN_PEAK, ...clicks);
  return clicks
    .map((count, second) => {
      const height = (count / peak) * HEIGHT;
      return count === 0 ? "" : `M${second + 0.15} ${HEIGHT}v${-height}h.7v${height}z`;
    })
    .join("");
}

function everySecond(onChange: () => void): () => void {
  const timer = setInterval(onChange, 1000);
  return () => clearInterval(timer);
}
