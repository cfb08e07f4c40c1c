// A CloudFront function (cloudfront-js-2.0) before every request that is not for /assets/.
//
// A path whose last part has no dot is a route of the page, and every route is index.html. All
// else is a file, there or not: were a missing script answered with index.html and 200, as an
// error page would, browsers would refuse it as a script, and caches would keep it as one.
function handler(event) {
  const request = event.request;
  const name = request.uri.slice(request.uri.lastIndexOf("/") + 1);
  if (!name.includes(".")) {
    request.uri = "/index.html";
  }
  return request;
}
