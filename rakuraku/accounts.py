"""Login by 社員コード or E-MAIL. Accounts are made in 社員マスタ only."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import LoginForm as AllauthLoginForm
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from masters.models import Employee


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up is closed; messages say what happened in plain Japanese."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": (
            "このアカウントは現在ログインできません。システム管理者に連絡してください。"
        ),
        "too_many_login_attempts": (
            "ログインに続けて失敗したため、しばらくログインできません。"
            "15 分ほど待ってからやり直すか、システム管理者に連絡してください。"
        ),
        "username_password_mismatch": "社員コードまたは E-MAIL か、パスワードが違います。",
        "email_password_mismatch": "社員コードまたは E-MAIL か、パスワードが違います。",
        "invalid_login": "社員コードまたは E-MAIL か、パスワードが違います。",
    }

    def respond_user_inactive(self, request: HttpRequest, user: Employee) -> HttpResponse:
        messages.error(request, self.error_messages["account_inactive"])
        return redirect("account_login")

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """No 'logged in as' notices: the bar shows who it is."""


class LoginForm(AllauthLoginForm):
    """社員コード or E-MAIL, and the password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "社員コードまたは E-MAIL"
        self.fields["login"].widget.attrs["placeholder"] = ""
        self.fields["login"].error_messages["required"] = "社員コードか E-MAIL を入力してください。"
        self.fields["password"].label = "パスワード"
        self.fields["password"].widget.attrs["placeholder"] = ""
        self.fields["password"].help_text = ""
        self.fields["password"].error_messages["required"] = "パスワードを入力してください。"
        self.fields.pop("remember", None)
