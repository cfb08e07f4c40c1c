import { expect, it } from "vitest";
// CloudFront runs it before each request; see counter_service/infra/website.py.
import source from "../../counter_service/infra/site_route.js?raw";

type Handler = (event: { request: { uri: string } }) => { uri: string };

// A CloudFront function is a script with a global handler, not a module.
// oxlint-disable-next-line no-new-func, no-implied-eval
const handler = new Function(`${source}\nreturn handler;`)() as Handler;

it.each(["/", "/realtime-counter", "/realtime-counter/", "/nowhere", "/a/b/", "/v1.2/about"])(
  "serves the page at %s",
  (uri) => {
    expect(handler({ request: { uri } })).toEqual({ uri: "/index.html" });
  },
);

it.each(["/index.html", "/config.json", "/favicon.svg", "/gone.js", "/a/b.png", "/assets/gone-12345678.js"])(
  "leaves the path of a file as it is: %s",
  (uri) => {
    expect(handler({ request: { uri } })).toEqual({ uri });
  },
);
