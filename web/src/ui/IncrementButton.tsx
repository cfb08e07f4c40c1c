import "./increment-button.css";

interface IncrementButtonProps {
  enabled: boolean;
  /** The id of the element that says why the button does nothing while it is not enabled. */
  explanationId: string;
  onIncrement: () => void;
}

/** Stays focusable while it can do nothing: aria-disabled, unlike disabled, keeps the focus in place. */
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
