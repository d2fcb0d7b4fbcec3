# The consumers' orders to send values into their house.

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('meters', '0004_wireless_meters'),
        ('portal', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='HousePush',
            fields=[
                ('consumer', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to='meters.consumer')),
                ('version', models.PositiveIntegerField(default=1)),
                ('host', models.CharField(max_length=253)),
                ('port', models.PositiveIntegerField(default=8883)),
                ('tls', models.BooleanField(default=True)),
                ('ca', models.TextField(blank=True, default='')),
                ('username', models.CharField(blank=True, default='', max_length=128)),
                ('password', models.BinaryField(default=b'')),
                ('since', models.DateTimeField()),
                ('connected_at', models.DateTimeField(blank=True, null=True)),
                ('problem', models.CharField(blank=True, default='', max_length=64)),
            ],
        ),
    ]
