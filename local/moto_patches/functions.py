"""Lambda: settings that moto drops."""

from __future__ import annotations

from typing import Any

from moto.awslambda.models import LambdaFunction

# Kept and shown as they were given.
KEPT = ("DeadLetterConfig", "LoggingConfig", "TracingConfig", "Architectures", "EphemeralStorage")


def apply() -> None:
    """Apply this module's patches."""
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
