import "./counter-value.css";

const UNKNOWN = "–";

/** The number. Long ones are set smaller, so that the space they stand in never changes. */
export function CounterValue({ value }: { value: number | undefined }) {
  const text = value === undefined ? UNKNOWN : String(value);
  return (
    <output
      className="counter-value"
      aria-live="polite"
      aria-atomic="true"
      data-testid="counter-value"
      data-known={value !== undefined}
      data-length={lengthOf(text)}
    >
      {/* A new key makes a new element, and a new element plays its animation. */}
      <span key={text} className="counter-value-digits">
        {text}
      </span>
    </output>
  );
}

function lengthOf(text: string): "short" | "medium" | "long" {
  if (text.length <= 4) return "short";
  return text.length <= 8 ? "medium" : "long";
}
