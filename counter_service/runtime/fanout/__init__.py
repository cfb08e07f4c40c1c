"""One message to many connections of API Gateway: signing, HTTP and scheduling."""
