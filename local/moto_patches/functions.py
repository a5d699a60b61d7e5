"""Lambda: settings that moto drops, and a code location that can be fetched."""

from __future__ import annotations

import os
from typing import Any

from moto.awslambda.models import LambdaFunction

# Kept and shown as they were given.
KEPT = ("DeadLetterConfig", "LoggingConfig", "TracingConfig", "Architectures", "EphemeralStorage")


def apply() -> None:
    """Apply this module's patches."""
    _patch_settings()
    _patch_code_location()


def _patch_settings() -> None:
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


def _patch_code_location() -> None:
    """GetFunction's Code.Location: a URL of this local AWS's S3."""
    stock = LambdaFunction.get_code

    def get_code(self: Any) -> dict[str, Any]:
        answer = stock(self)
        if "S3Bucket" in self.code:
            path = f"{self.code['S3Bucket']}/{self.code['S3Key']}"
            answer["Code"]["Location"] = f"http://127.0.0.1:{os.environ['MOTO_PORT']}/{path}"
        return answer

    LambdaFunction.get_code = get_code
