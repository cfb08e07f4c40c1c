import type { CounterState } from "../client/store";
import "./status-notes.css";

interface StatusNotesProps extends Pick<CounterState, "connection" | "error" | "full" | "givenUp" | "pending"> {
  /** The id of the note that says why the button does nothing, while it does. */
  explanationId: string;
  onDismissGivenUp: () => void;
}

/** What there is to say beside the number: below it and in this order, so that nothing moves when it changes. */
export function StatusNotes({ explanationId, onDismissGivenUp, ...state }: StatusNotesProps) {
  const text = state.full ? whyFull(state.pending) : hint(state);
  return (
    <div className="status-notes">
      {/* Another text is another element: it takes the place of the old one, which did not move there. */}
      <p key={text} id={state.full ? explanationId : undefined}>
        {text}
      </p>
      {state.givenUp > 0 && (
        <div role="alert" className="problem" data-testid="given-up">
          <p>{givenUp(state.givenUp)}</p>
          <button type="button" onClick={onDismissGivenUp}>
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

function givenUp(clicks: number): string {
  const [subject, them] = clicks === 1 ? ["1 click was", "it"] : [`${clicks} clicks were`, "them"];
  return `${subject} given up: the server did not confirm ${them}. Click again if you like.`;
}
