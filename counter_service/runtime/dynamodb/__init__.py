"""The stores and the lease on DynamoDB, through botocore."""
