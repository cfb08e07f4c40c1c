import type { CounterState } from "../client/store";
import "./status-notes.css";

interface StatusNotesProps extends Pick<CounterState, "connection" | "error" | "full" | "droppedClicks" | "pending"> {
  /** Id for the note that explains a disabled button. */
  explanationId: string;
  onDismissDropped: () => void;
}

/** Hints and errors, below the card and in a fixed order, so that nothing moves when one appears. */
export function StatusNotes({ explanationId, onDismissDropped, ...state }: StatusNotesProps) {
  const text = state.full ? whyFull(state.pending) : hint(state);
  return (
    <div className="status-notes">
      {/* A new key creates a new element, so that a new text does not count as a layout shift of the old one. */}
      <p key={text} id={state.full ? explanationId : undefined}>
        {text}
      </p>
      {state.droppedClicks > 0 && (
        <div role="alert" className="problem" data-testid="given-up">
          <p>{whyDropped(state.droppedClicks)}</p>
          <button type="button" onClick={onDismissDropped}>
            Dismiss
          </button>
        </div>
      )}
      {state.error !== undefined && (
        <p role="alert" className="problem">
          {state.error}
        </p>
      )}
    </div>
  );
}

function whyFull(clicks: number): string {
  return `${clicks} clicks wait to be sent, and there is no room for more. The button works again when some have arrived.`;
}

function hint({ connection, pending }: Pick<CounterState, "connection" | "pending">): string {
  if (connection === "open") return "Open this page in a second tab and click: both move.";
  return pending > 0
    ? "Your clicks are kept, also if you reload the page, and sent when it is connected."
    : "You can click all the same: clicks are kept, and sent when the page is connected.";
}

function whyDropped(clicks: number): string {
  const [subject, them] = clicks === 1 ? ["1 click was", "it"] : [`${clicks} clicks were`, "them"];
  return `${subject} given up: the server did not confirm ${them}. Click again if you like.`;
}
