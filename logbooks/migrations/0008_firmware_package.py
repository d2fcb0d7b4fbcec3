from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("logbooks", "0007_configuration_seals")]

    operations = [
        migrations.CreateModel(
            name="FirmwarePackage",
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
                ("file", models.CharField(max_length=64, unique=True)),
                ("received_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("downloaded", "Downloaded"),
                            ("verified", "Verified"),
                            ("released", "Released"),
                            ("scheduled", "Scheduled"),
                            ("trial", "Trial"),
                            ("active", "Active"),
                            ("replaced", "Replaced"),
                            ("refused", "Refused"),
                        ],
                        default="downloaded",
                        max_length=10,
                    ),
                ),
                ("version", models.CharField(blank=True, default="", max_length=32)),
                ("number", models.BigIntegerField(blank=True, null=True)),
                ("fingerprint", models.CharField(blank=True, default="", max_length=64)),
                ("install_at", models.DateTimeField(blank=True, null=True)),
                ("fault", models.BigIntegerField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=200)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["verified", "released", "scheduled", "trial", "active"],
                            )
                        ),
                        fields=("version",),
                        name="one_package_of_a_version",
                    )
                ],
            },
        ),
    ]
