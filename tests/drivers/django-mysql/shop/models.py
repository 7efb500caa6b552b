"""The fixture's tables as models of Django, and one with a column of every kind that MariaDB has."""

from django.db import models
from django.db.models import Q


class Note(models.Model):
    body = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = "notes"


class Customer(models.Model):
    name = models.CharField(max_length=100)
    email = models.CharField(max_length=100, unique=True)
    tier = models.CharField(max_length=10)

    class Meta:
        managed = False
        db_table = "customers"


class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="orders")
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    note = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = "orders"


class Payment(models.Model):
    order = models.ForeignKey(Order, models.CASCADE)
    paid = models.BooleanField()

    class Meta:
        managed = False
        db_table = "payments"


class Everything(models.Model):
    """Every kind of column; the schema editor makes its table."""

    small = models.SmallIntegerField()
    big = models.BigIntegerField()
    exact = models.DecimalField(max_digits=30, decimal_places=10)
    real = models.FloatField()
    text = models.CharField(max_length=100, db_index=True)
    data = models.BinaryField()
    yes = models.BooleanField()
    key = models.UUIDField(unique=True)
    day = models.DateField()
    time = models.TimeField()
    moment = models.DateTimeField()
    span = models.DurationField()
    document = models.JSONField()
    address = models.GenericIPAddressField()
    nothing = models.TextField(null=True)

    class Meta:
        db_table = "everything"
        constraints = [models.CheckConstraint(condition=~Q(text="never"), name="not_never")]
        indexes = [models.Index(fields=["day", "-moment"], name="by_day")]
