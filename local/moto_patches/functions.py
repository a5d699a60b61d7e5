"""Lambda: settings that moto drops, and code that it keeps twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.awslambda import models
from moto.awslambda.models import LambdaFunction

Content = tuple[bytes, int, str, str]

# Kept and shown as they were given.
KEPT = ("DeadLetterConfig", "LoggingConfig", "TracingConfig", "Architectures", "EphemeralStorage")


def apply() -> None:
    """Apply this module's patches."""
    models._s3_content = _without_content(models._s3_content)
    stock_init = LambdaFunction.__init__
    stock_update = LambdaFunction.update_configuration
    stock_get = LambdaFunction.get_configuration

    def init(self: Any, account_id: str, spec: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        self.kept_settings = {name: spec[name] for name in KEPT if name in spec}
        stock_init(self, account_id, spec, *args, **kwargs)

    def update(self: Any, config_updates: dict[str, Any]) -> Any:
        self.kept_settings |= {
            name: config_updates[name] for name in KEPT if name in config_updates
        }
        return stock_update(self, config_updates)

    def get(self: Any, on_create: bool = False) -> dict[str, Any]:
        default = {"LoggingConfig": {"LogFormat": "Text", "LogGroup": self.logs_group_name}}
        return stock_get(self, on_create) | default | self.kept_settings

    LambdaFunction.__init__ = init
    LambdaFunction.update_configuration = update
    LambdaFunction.get_configuration = get


def _without_content(stock: Callable[[Any], Content]) -> Callable[[Any], Content]:
    """Leave a function's code where it is, in S3: the front door fetches it from there.

    moto keeps a copy for each function, which with the 25 MB of a development build soon are
    gigabytes.
    """

    def content(key: Any) -> Content:
        _, size, sha_256, digest = stock(key)
        return b"", size, sha_256, digest

    return content
