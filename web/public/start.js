/**
 * Watches the start of the page until React has replaced the element #start: says what went wrong, and retries.
 *
 * It is a file of its own, so that it runs even if the page does not arrive or cannot run. The build compiles its
 * syntax to ES2015. The functions that it calls must be as old.
 */
(() => {
  const LOADING = "Loading…";
  const INCOMPLETE = "This page is loading slowly or not at all. Check your connection.";
  const FAILED = "This page could not start. Update your browser, or open the page in another one.";

  // Delays as for a lost connection; see backoff() in src/client/clock.ts.
  const RETRY_MS = 3000;
  const LONGEST_RETRY_MS = 20_000;
  // Longer after each failure, because a reload aborts a slow download.
  const PATIENCE_MS = 30_000;
  // The number is stored, because a reload would reset it. If storage is blocked, each failure counts as MANY.
  const KEY = "start.failures";
  const MANY = 8;

  let failures = MANY;
  try {
    failures = Number(sessionStorage.getItem(KEY)) || 0;
  } catch {
    // Storage is blocked.
  }

  let text = LOADING;
  let shown;
  let failedScript;
  let timer;
  const since = Date.now();

  const store = () => {
    try {
      sessionStorage.setItem(KEY, failures);
    } catch {
      failures = MANY;
    }
  };

  const fail = (reason) => {
    if (text !== LOADING) return;
    text = `${reason} The page retries automatically.`;
    failures = Math.min(failures + 1, MANY);
    store();
    retryLater();
  };

  const retryLater = () => {
    timer = setTimeout(retry, Math.min(RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS) * (0.5 + Math.random()));
  };

  /** Reloads if the site responds, because without a network the browser's error page would replace this one. */
  const retry = () => {
    const reload = () =>
      request(location.pathname, ({ status }) => {
        if (status === 200) location.reload();
        else retryLater();
      });
    // A cache may have kept the response that arrived in place of the script.
    if (failedScript) request(failedScript, reload);
    else reload();
  };

  /** Makes a request that no cache responds to. */
  const request = (url, onEnd) => {
    const http = new XMLHttpRequest();
    http.open("GET", url);
    http.setRequestHeader("Cache-Control", "no-cache");
    http.timeout = PATIENCE_MS;
    http.onloadend = () => timer && onEnd(http);
    http.send();
  };

  const onError = ({ target, filename }) => {
    // A page without its style sheet works. Errors of browser extensions are not the page's.
    if (target.tagName === "SCRIPT") {
      failedScript = target.src;
      fail(INCOMPLETE);
    } else if (filename && filename.startsWith(location.origin)) fail(FAILED);
  };

  // The error of a script that does not arrive does not bubble.
  addEventListener("error", onError, true);
  if (!("noModule" in HTMLScriptElement.prototype)) fail(FAILED);

  const watch = () => {
    const element = document.getElementById("start");
    if (element) {
      if (Date.now() - since > PATIENCE_MS * (failures + 1)) fail(INCOMPLETE);
      // Not compared with the text of the element, because a translator may have changed it.
      if (shown === text) return;
      element.textContent = shown = text;
      if (text === LOADING) return;
      element.setAttribute("role", "alert");
      element.className = "problem";
    } else if (document.readyState !== "loading") {
      clearInterval(interval);
      observer.disconnect();
      clearTimeout(timer);
      timer = 0;
      removeEventListener("error", onError, true);
      failures = 0;
      store();
    }
  };
  const interval = setInterval(watch, 100);
  // Runs before the first paint, so that the sentence for browsers without JavaScript is never visible.
  const observer = new MutationObserver(watch);
  observer.observe(document, { childList: true, subtree: true });
})();
