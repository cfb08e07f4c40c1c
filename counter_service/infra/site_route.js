// A CloudFront function (cloudfront-js-2.0) before every request that is not for /assets/.
//
// A path whose last part has no dot is a route of the page, and every route is index.html. Any
// other path is a file, whether it exists or not. The response to a missing script must not be
// index.html with 200: browsers would refuse it as a script, and caches would keep it as one.
function handler(event) {
  const request = event.request;
  const name = request.uri.slice(request.uri.lastIndexOf("/") + 1);
  if (!name.includes(".")) {
    request.uri = "/index.html";
  }
  return request;
}
