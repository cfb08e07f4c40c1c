import "./increment-button.css";

interface IncrementButtonProps {
  enabled: boolean;
  /** Id of the element that explains a disabled button. */
  explanationId: string;
  onIncrement: () => void;
}

/** The button. It stays focusable while disabled, because aria-disabled, unlike disabled, keeps the focus. */
export function IncrementButton({ enabled, explanationId, onIncrement }: IncrementButtonProps) {
  return (
    <button
      type="button"
      className="increment-button"
      aria-disabled={!enabled}
      aria-describedby={enabled ? undefined : explanationId}
      onClick={enabled ? onIncrement : undefined}
    >
      Increment
    </button>
  );
}
