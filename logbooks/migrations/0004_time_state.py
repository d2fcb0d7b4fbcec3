from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("logbooks", "0003_self_test")]

    operations = [
        migrations.CreateModel(
            name="TimeState",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        default=1, primary_key=True, serialize=False
                    ),
                ),
                ("host", models.CharField(max_length=253)),
                ("port", models.PositiveIntegerField()),
                ("certificate", models.BinaryField()),
                ("configured_at", models.DateTimeField()),
                ("next_poll_at", models.DateTimeField()),
                ("last_success_at", models.DateTimeField(blank=True, null=True)),
                ("last_offset_us", models.BigIntegerField(blank=True, null=True)),
                ("last_round_trip_us", models.BigIntegerField(blank=True, null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("last_fault", models.BigIntegerField(blank=True, null=True)),
                ("far_offsets_us", models.JSONField(blank=True, default=list)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)),
                        name="one_time_service_of_the_gateway",
                    )
                ],
            },
        ),
    ]
