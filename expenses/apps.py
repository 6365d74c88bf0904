from django.apps import AppConfig


class ExpensesConfig(AppConfig):
    name = "expenses"
    verbose_name = "申請・精算"

    def ready(self) -> None:
        from expenses import announcing  # noqa: F401
