from django.apps import AppConfig


class PunchoutConfig(AppConfig):
    name = "punchout"
    verbose_name = "カタログ連携"

    def ready(self) -> None:
        from . import reactions  # noqa: F401  (connects the receivers)
