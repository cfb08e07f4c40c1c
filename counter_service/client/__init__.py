"""A client of the counter, for Python programs. docs/client.md shows how to use it."""

from .client import CounterClient, State
from .messages import Failure, Update
from .op_ids import op_ids
from .requests import Times

__all__ = ["CounterClient", "Failure", "State", "Times", "Update", "op_ids"]
