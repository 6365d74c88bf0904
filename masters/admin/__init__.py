"""The masters in Django's admin, and what the other apps' admins are built from."""

from . import accounting, company, organisation, rights

__all__ = ["accounting", "company", "organisation", "rights"]
