"""AWS's list prices in us-east-1, in US dollars, without free tiers and volume discounts.

As published on 2026-11-23: aws.amazon.com/api-gateway/pricing, which charges WebSocket APIs for
messages sent and received, so a post to @connections is one; aws.amazon.com/lambda/pricing;
aws.amazon.com/dynamodb/pricing/on-demand; aws.amazon.com/cloudwatch/pricing;
aws.amazon.com/xray/pricing; aws.amazon.com/route53/pricing.
"""

from typing import Final

MILLION: Final = 1_000_000
REGION: Final = "us-east-1"

MESSAGE: Final = 1.00 / MILLION  # of up to 32 KB, to a client or from it
CONNECTION_MINUTE: Final = 0.25 / MILLION
INVOCATION: Final = 0.20 / MILLION
GB_SECOND: Final = 0.0000133334  # arm64
WRITE_UNIT: Final = 0.625 / MILLION  # a write of up to 1 KB; two in a transaction
READ_UNIT: Final = 0.125 / MILLION  # a strongly consistent read of up to 4 KB; half if it is not
LOG_GB: Final = 0.50
TRACE: Final = 5.00 / MILLION

# A month.
ALARM: Final = 0.10
DASHBOARD: Final = 3.00
CUSTOM_METRIC: Final = 0.30
HOSTED_ZONE: Final = 0.50

READ_UNIT_BYTES: Final = 4096
