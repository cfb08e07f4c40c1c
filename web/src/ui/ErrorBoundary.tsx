import { Component, type ReactNode } from "react";

import { MessagePage } from "./MessagePage";

/** Shows a message in place of a page that throws while rendering. React logs the error to the console. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <MessagePage title="Something went wrong">
        <p role="alert" className="problem">
          An error occurred on this page. Reload it to continue. If that does not help, update your browser.
        </p>
      </MessagePage>
    );
  }
}
