import "./pending-clicks.css";

/** How many of this tab's clicks are not in the number yet. Its room is kept free while there are none. */
export function PendingClicks({ pending }: { pending: number }) {
  return (
    <div className="pending-clicks">
      {pending > 0 && (
        <p className="pending-clicks-pill" data-testid="pending">
          +{pending} pending
        </p>
      )}
    </div>
  );
}
