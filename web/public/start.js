/*
 * Watches the start of the page until React has replaced the element #start: says what went wrong, and retries.
 * It must run in browsers that cannot run the page itself. So it is ES5, and a file of its own that no build changes.
 */
(function () {
  "use strict";

  var LOADING = "Loading…";
  var INCOMPLETE = "A file of this page did not arrive. Check your connection.";
  var SLOW = "This page takes long to load. Check your connection.";
  var FAILED = "This page could not start. Update your browser, or open the page in another one.";
  var RETRIES = " The page retries automatically.";

  // As for a lost connection: see backoff() in src/client/clock.ts, and src/client/times.ts.
  var RETRY_MS = 3000;
  var LONGEST_RETRY_MS = 30000;
  // Doubled after each failure, because a reload ends a download that is slow.
  var PATIENCE_MS = 30000;
  var LONGEST_PATIENCE_MS = 480000;
  var KEY = "start.failures";
  // Its delays are the longest. Stands for the number where none can be stored, which each reload would set to 0.
  var MANY = 5;

  var failures = storedFailures();
  var patienceMs = Math.min(PATIENCE_MS * Math.pow(2, failures), LONGEST_PATIENCE_MS);
  var since = new Date().getTime();
  var sentence = LOADING;
  var failedScript;
  var retryTimer;

  function storedFailures() {
    try {
      return Math.min(Number(sessionStorage.getItem(KEY)) || 0, MANY);
    } catch (blocked) {
      return MANY;
    }
  }

  function storeFailures() {
    try {
      if (failures > 0) sessionStorage.setItem(KEY, String(failures));
      else sessionStorage.removeItem(KEY);
    } catch (blocked) {
      failures = MANY;
    }
  }

  function fail(reason) {
    if (sentence !== LOADING) return;
    sentence = reason + RETRIES;
    show();
    failures = Math.min(failures + 1, MANY);
    storeFailures();
    retryLater();
  }

  function show() {
    var element = document.getElementById("start");
    if (!element || element.textContent === sentence) return;
    element.textContent = sentence;
    if (sentence === LOADING) return;
    element.setAttribute("role", "alert");
    element.className = "problem";
  }

  function retryLater() {
    var mean = Math.min(RETRY_MS * Math.pow(2, Math.max(0, failures - 2)), LONGEST_RETRY_MS / 1.5);
    retryTimer = setTimeout(retry, mean * (0.5 + Math.random()));
  }

  /** Reloads if the site responds, because without a network the browser's error page would replace this one. */
  function retry() {
    retryTimer = undefined;
    // A cache may have kept what arrived in place of the script.
    if (failedScript) request("GET", failedScript, reload);
    else reload();
  }

  function reload() {
    request("HEAD", location.pathname, function (status) {
      if (ended()) return;
      if (status === 200) location.reload();
      else retryLater();
    });
  }

  /** Makes a request that no cache responds to. Passes its status on, which is 0 without a response. */
  function request(method, url, onStatus) {
    var http = new XMLHttpRequest();
    http.open(method, url);
    http.setRequestHeader("Cache-Control", "no-cache");
    http.timeout = LONGEST_RETRY_MS;
    http.onloadend = function () {
      onStatus(http.status);
    };
    http.send();
  }

  function ended() {
    return document.readyState !== "loading" && !document.getElementById("start");
  }

  function onError(event) {
    // A page without its style sheet works. Errors of extensions are none of this page.
    if (event.target && event.target.tagName === "SCRIPT") {
      failedScript = event.target.src;
      fail(INCOMPLETE);
    } else if (event.filename && event.filename.indexOf(location.protocol + "//" + location.host + "/") === 0) {
      fail(FAILED);
    }
  }

  function onOnline() {
    if (retryTimer === undefined) return;
    clearTimeout(retryTimer);
    retry();
  }

  // The error of a script that does not arrive does not bubble.
  addEventListener("error", onError, true);
  addEventListener("online", onOnline);
  if (!("noModule" in document.createElement("script"))) fail(FAILED);

  var watch = setInterval(function () {
    if (!ended()) {
      show();
      if (new Date().getTime() - since > patienceMs) fail(SLOW);
      return;
    }
    clearInterval(watch);
    clearTimeout(retryTimer);
    removeEventListener("error", onError, true);
    removeEventListener("online", onOnline);
    failures = 0;
    storeFailures();
  }, 100);
})();
