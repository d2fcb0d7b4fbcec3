"""Meters are read beside the quarter hours: demands, samples, marks of progress."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("meters", "0004_wireless_meters"),
    ]

    operations = [
        migrations.CreateModel(
            name="SampledMeter",
            fields=[
                (
                    "meter",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="sampled",
                        serialize=False,
                        to="meters.meter",
                    ),
                ),
                ("settled_to", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Sample",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "meter_id",
                        "target_time",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("target_time", models.DateTimeField()),
                ("captured_at", models.DateTimeField()),
                ("status", models.BigIntegerField()),
                ("later_bits", models.IntegerField(default=0)),
                ("registers", models.TextField()),
                (
                    "meter",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="meters.meter",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReadDemand",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("subject", models.CharField(max_length=32)),
                ("period_s", models.PositiveIntegerField()),
                ("registers", models.JSONField()),
                ("begin", models.DateTimeField()),
                ("end", models.DateTimeField(blank=True, null=True)),
                (
                    "meter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="read_demands",
                        to="meters.meter",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("subject", "meter"), name="read_demand_once"
                    )
                ],
            },
        ),
    ]
