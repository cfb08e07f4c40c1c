import "./pending-clicks.css";

/** Number of this tab's clicks that the value does not include. Its space stays reserved while there are none. */
export function PendingClicks({ pending }: { pending: number }) {
  return (
    <div className="pending-clicks">
      {pending > 0 && (
        <p className="pending-clicks-pill" data-testid="pending">
          {`+${pending} pending`}
        </p>
      )}
    </div>
  );
}
