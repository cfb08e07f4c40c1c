import { COUNTER_PATH } from "./routes";
import { MessagePage } from "./ui/MessagePage";

/** The page of an unknown address. */
export function NotFound() {
  return (
    <MessagePage title="Page not found">
      <p>There is nothing at this address.</p>
      <p>
        <a href={COUNTER_PATH}>Go to the realtime counter</a>
      </p>
    </MessagePage>
  );
}
