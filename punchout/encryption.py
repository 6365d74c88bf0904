"""Secrets at rest: a text column that is encrypted in the database."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


def _fernet() -> MultiFernet:
    # The first key encrypts, all of them decrypt: keys can be changed without losing anything.
    return MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS])


class EncryptedTextField(models.TextField):
    """Text that lies in its table encrypted with ``FIELD_ENCRYPTION_KEYS`` (Fernet).

    Raises ``ImproperlyConfigured`` on reading when none of the keys fits. Cannot be searched.
    """

    def get_prep_value(self, value: str | None) -> str | None:
        value = super().get_prep_value(value)
        return _fernet().encrypt(value.encode()).decode() if value else value

    def from_db_value(self, value: str | None, expression, connection) -> str | None:
        if not value:
            return value
        try:
            return _fernet().decrypt(value.encode()).decode()
        except InvalidToken as error:
            raise ImproperlyConfigured(
                "FIELD_ENCRYPTION_KEYS does not hold the key that a stored secret was written with"
            ) from error

    def get_lookup(self, lookup_name: str):
        # Encryption is salted: an equality test would silently never match.
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None
