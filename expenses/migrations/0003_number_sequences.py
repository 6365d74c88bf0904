from django.db import migrations


class Migration(migrations.Migration):
    """One sequence per 伝票種別: numbers are never reused."""

    dependencies = [("expenses", "0002_initial")]

    operations = [
        migrations.RunSQL(
            sql=f"CREATE SEQUENCE {name}", reverse_sql=f"DROP SEQUENCE {name}"
        )
        for name in ("expenses_request_number", "expenses_settlement_number")
    ]
