"""TAF9, TAF10 and TAF14: aggregates, thresholds, pseudonyms; readings on demand."""

import uuid
from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models


# SQLite makes the table anew for a new column, and cannot while a trigger reads it.
kept = import_module("tariffs.migrations.0005_kept_by_use_case")


class Migration(migrations.Migration):
    dependencies = [
        ("tariffs", "0006_price_series"),
        ("meters", "0005_samples"),
    ]

    operations = [
        migrations.RunPython(kept.remove, kept.install),
        migrations.AddField(
            model_name="evaluationprofile",
            name="instant_values",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="evaluationprofile",
            name="threshold_states",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="evaluationprofile",
            name="pseudonym",
            field=models.CharField(blank=True, default="", max_length=32),
        ),
        migrations.AddField(
            model_name="evaluationprofile",
            name="purpose",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.CreateModel(
            name="OnDemandDelivery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField(blank=True, null=True)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("move_in", "Move In"),
                            ("move_out", "Move Out"),
                            ("supplier_change", "Supplier Change"),
                            ("default_supply", "Default Supply"),
                            ("other", "Other"),
                        ],
                        default="other",
                        max_length=15,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("ordered", "Ordered"),
                            ("queued", "Queued"),
                            ("failed", "Failed"),
                        ],
                        max_length=7,
                    ),
                ),
                ("target_time", models.DateTimeField()),
                ("requested_at", models.DateTimeField()),
                ("fault", models.PositiveIntegerField(default=0)),
                (
                    "profile",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="tariffs.evaluationprofile",
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        to="tariffs.marketparticipant",
                    ),
                ),
            ],
        ),
        migrations.RunPython(kept.install, kept.remove),
    ]
