import "./main.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./App";
import { type Config, loadConfig } from "./config";
import { ErrorBoundary } from "./ErrorBoundary";
import { COUNTER_PATH, routeOf } from "./routes";
import { takeToken, withToken } from "./token";

const { location } = window;
if (routeOf(location.pathname) === "home") {
  history.replaceState(null, "", COUNTER_PATH + location.search + location.hash);
}

// Before anything else can read the address.
const token = takeToken(window);

const container = document.getElementById("root");
if (container === null) throw new Error('index.html has no element with the id "root".');
const root = createRoot(container);

function render(config?: Config) {
  root.render(
    <StrictMode>
      <ErrorBoundary>
        <App pathname={location.pathname} config={config} />
      </ErrorBoundary>
    </StrictMode>,
  );
}

render();
if (routeOf(location.pathname) === "counter") {
  const config = await loadConfig({
    override: import.meta.env.VITE_WEBSOCKET_URL,
    fetch: (path, init) => window.fetch(path, init),
    pageProtocol: location.protocol,
  });
  render(withToken(config, token));
}
