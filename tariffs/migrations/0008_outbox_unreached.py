"""A delivery whose recipient did not answer at all: tried again as soon as he does."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tariffs", "0007_instant_values")]

    operations = [
        migrations.AddField(
            model_name="outboxrow",
            name="unreached_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
