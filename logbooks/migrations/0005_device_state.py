"""The state of the device, and samples of how full its storage was."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("logbooks", "0004_time_state")]

    operations = [
        migrations.CreateModel(
            name="DeviceState",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        default=1, primary_key=True, serialize=False
                    ),
                ),
                ("mode", models.CharField(default="normal", max_length=8)),
                ("codes", models.JSONField(default=list)),
                ("since", models.DateTimeField(blank=True, null=True)),
                ("boot_code", models.BigIntegerField(blank=True, null=True)),
                ("seal_damaged_at", models.DateTimeField(blank=True, null=True)),
                ("integrity_broken_at", models.DateTimeField(blank=True, null=True)),
                (
                    "hardware",
                    models.CharField(blank=True, default="", max_length=16),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="one_state_of_the_device"
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="StorageSample",
            fields=[
                (
                    "measured_at",
                    models.DateTimeField(primary_key=True, serialize=False),
                ),
                ("used_bytes", models.BigIntegerField()),
            ],
        ),
    ]
