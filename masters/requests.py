"""What a view behind ``login_required`` is given."""

from django.http import HttpRequest

from masters.models import Employee


class SignedIn(HttpRequest):
    """A request of a person who has logged in; for annotations only."""

    user: Employee
