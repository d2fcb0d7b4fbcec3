from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tariffs', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='evaluationprofile',
            name='tariff',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='evaluationprofile',
            name='created_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
