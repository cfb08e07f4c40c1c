import { useState } from "react";

import "./counter-value.css";

const UNKNOWN = "–";

interface CounterValueProps {
  value: number | undefined;
  /** Whether the page is disconnected or has an error in place of a newer value, so that the value may be old. */
  stale: boolean;
}

/** The value. Long values get a smaller font, so that the layout never moves. */
export function CounterValue({ value, stale }: CounterValueProps) {
  const text = value === undefined ? UNKNOWN : String(value);
  const before = usePrevious(text);
  return (
    <p className="counter-value" data-known={value !== undefined} data-stale={stale} data-length={lengthOf(text)}>
      <span className="visually-hidden">{value === undefined ? "The value is not known yet." : text}</span>
      <span className="counter-value-digits" aria-hidden="true" translate="no" data-testid="counter-value">
        {Array.from(text, (digit, index) => {
          // Places are counted from the right, because a digit keeps that place while the number grows.
          const place = text.length - index;
          const was = before?.at(-place);
          return (
            // A new key creates a new element, which plays its animation.
            <span
              key={`${place}:${digit}`}
              className="digit"
              data-was={was === digit || was === UNKNOWN ? undefined : was}
              data-group={place % 3 === 0 && index > 0}
            >
              <span className="digit-now">{digit}</span>
            </span>
          );
        })}
      </span>
    </p>
  );
}

/** The text before its last change. */
function usePrevious(text: string): string | undefined {
  const [seen, setSeen] = useState<{ text: string; before: string | undefined }>({ text, before: undefined });
  if (seen.text !== text) setSeen({ text, before: seen.text });
  return seen.text === text ? seen.before : seen.text;
}

function lengthOf(text: string): "short" | "medium" | "long" {
  if (text.length <= 4) return "short";
  return text.length <= 8 ? "medium" : "long";
}
