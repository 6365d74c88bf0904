"""Shopping: the way to the shop, the cart that came back, and the lines it became."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from expenses.models import Voucher, VoucherLine

from .connection import CatalogConnection


class ShoppingSession(models.Model):
    """One trip to the shop: who went, for which draft, and the cookie by which the cart returns."""

    class State(models.TextChoices):
        OPENING = "opening", "接続中"
        SHOPPING = "shopping", "買い物中"
        RETURNED = "returned", "カート受信"
        ENDED = "ended", "カートなしで終了"
        APPLIED = "applied", "明細に反映"
        FAILED = "failed", "接続できず"

    connection = models.ForeignKey(
        CatalogConnection, models.PROTECT, verbose_name="カタログ連携設定"
    )
    voucher = models.ForeignKey(
        Voucher, models.PROTECT, related_name="shopping_sessions", verbose_name="経費申請"
    )
    employee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        verbose_name="買い物をした人",
    )
    email = models.EmailField("カタログに伝えた E-MAIL")
    buyer_cookie = models.CharField("BuyerCookie", max_length=64, unique=True)
    state = models.CharField("状態", max_length=10, choices=State, default=State.OPENING)
    start_url = models.CharField("開始ページ", max_length=2000, blank=True)
    started_at = models.DateTimeField("開始", auto_now_add=True)
    expires_at = models.DateTimeField("期限")

    class Meta:
        verbose_name = "買い物"
        verbose_name_plural = "買い物"
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.voucher.number} {self.get_state_display()}"


class ReceivedCart(models.Model):
    """The cart exactly as the browser brought it. Unsigned on its way, so the raw form is kept."""

    session = models.OneToOneField(
        ShoppingSession, models.PROTECT, related_name="cart", verbose_name="買い物"
    )
    raw = models.BinaryField("受信データ")
    sha256 = models.CharField("SHA-256", max_length=64)
    received_at = models.DateTimeField("受信日時", auto_now_add=True)
    problem = models.CharField("明細にできない理由", max_length=500, blank=True)

    class Meta:
        verbose_name = "受信カート"
        verbose_name_plural = "受信カート"
        triggers = [
            pgtrigger.Protect(
                name="received_cart_is_append_only",
                operation=pgtrigger.Update | pgtrigger.Delete,
            )
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.sha256[:8]}"


class CatalogItem(models.Model):
    """What the supplier said about a catalogue line, verbatim; one-to-one with the line."""

    class Kind(models.TextChoices):
        ITEM = "item", "商品"
        SHIPPING = "shipping", "送料・手数料"

    line = models.OneToOneField(
        VoucherLine, models.CASCADE, related_name="catalog_item", verbose_name="明細"
    )
    cart = models.ForeignKey(
        ReceivedCart, models.PROTECT, related_name="items", verbose_name="受信カート"
    )
    kind = models.CharField("種類", max_length=10, choices=Kind)
    part_id = models.CharField("商品番号", max_length=120, blank=True)
    auxiliary_id = models.CharField("補助番号", max_length=500, blank=True)
    xml = models.TextField("ItemIn", blank=True)
    stated_rate = models.DecimalField(
        "販売者の税率（%）", max_digits=5, decimal_places=2, null=True, blank=True
    )
    url = models.CharField("商品ページ", max_length=2000, blank=True)

    class Meta:
        verbose_name = "カタログ商品"
        verbose_name_plural = "カタログ商品"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="shipping") | ~Q(xml=""), name="catalog_item_keeps_its_xml"
            )
        ]

    def __str__(self) -> str:
        return self.part_id or self.get_kind_display()
