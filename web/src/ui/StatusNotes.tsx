import type { CounterState } from "../client/store";
import "./status-notes.css";

interface StatusNotesProps extends Pick<CounterState, "connection" | "error" | "full" | "droppedClicks" | "pending" | "rejected"> {
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
        <div role="alert" className="problem" data-testid="dropped-clicks">
          <p>{whyDropped(state.droppedClicks)}</p>
          <button type="button" onClick={onDismissDropped}>
            Dismiss
          </button>
        </div>
      )}
      {state.rejected && (
        <p role="alert" className="problem" data-testid="rejected">
          {whyRejected(window.location.origin)}
        </p>
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
  return `${clicks} clicks are waiting to be sent, which is the limit. You can click again once some have gone through.`;
}

function hint({ connection, error, pending }: Pick<CounterState, "connection" | "error" | "pending">): string {
  if (connection === "open") {
    return error === undefined
      ? "Open this page in another tab and click: both update."
      : "The value may be out of date. You can keep clicking: clicks are saved and retried.";
  }
  return pending > 0
    ? "Your clicks are saved, even if you reload, and will be sent when you are back online."
    : "You can keep clicking. Clicks are saved and sent once the page connects.";
}

function whyRejected(origin: string): string {
  return (
    `The server has accepted no connection from this page, which is at ${origin}. If you operate the server, check ` +
    "that it is running, and that allowedOrigins in the stack's configuration lists this address. For localhost, set " +
    "allowLocalhost: true. A stack with authentication also rejects an expired token."
  );
}

function whyDropped(clicks: number): string {
  return clicks === 1
    ? "1 click could not be confirmed and was dropped. It may not have been counted."
    : `${clicks} clicks could not be confirmed and were dropped. They may not have been counted.`;
}
